package ci

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/tunnelbench/tunnelbench"

// arrows lists the imports that each package may have within the module; tests may import anything.
// A package that is missing here fails the test.
var arrows = map[string][]string{
	"ci":                           {},
	"ci/compare":                   {"internal/lab", "internal/stats", "netns/dut", "reports/result", "rfc2544", "rfc2544/mlrsearch", "loadgen", "internal/lab/control", "internal/oneline"}, // reports uses only result.Comparison
	"ci/gate":                      {"internal/atomicfile", "internal/junit", "internal/stats", "internal/strictjson", "internal/strictyaml", "reports/result", "reports/show", "reports/texttab", "rfc2544", "internal/bounded"},
	"ci/gate/pairs":                {"ci/compare", "ci/gate", "internal/lab", "netns/dut", "reports/result", "rfc2544"},
	"ci/gate/resample":             {"ci/gate", "rfc2544"},
	"ci/gate/revision":             {"ci/gate", "internal/git", "internal/subprocess", "netns/dut", "internal/tempdir"},
	"cmd/tunnelbench":              {"cmd/tunnelbench/recipe", "ci/compare", "ci/gate", "fuzz", "fuzz/live", "fuzz/live/mutate", "fuzz/report", "internal/cli", "internal/lab", "internal/lab/selftest", "internal/lab/streams", "internal/lab/suite", "internal/reexec", "internal/stats", "loadgen", "loadgen/streams", "netns/dut", "reference", "reference/endfile", "reports", "reports/charts", "reports/result", "reports/show", "rfc2544", "rfc2544/mlrsearch", "rfc2544/simulated", "internal/lab/doctor", "cmd/tunnelbench/counting", "reports/budget", "internal/signals", "netns", "internal/bounded", "cmd/tunnelbench/gating", "reference/settings", "reference/lanport", "reference/wgquick", "internal/lab/once", "reference/uapi", "cmd/tunnelbench/tracing", "cmd/tunnelbench/matching", "reference/events", "reference/reload", "reference/metrics", "reports/dissector", "reference/keylog", "internal/atomicfile", "reports/inputs", "internal/lab/progress", "internal/openmetrics", "cmd/tunnelbench/keying", "cmd/tunnelbench/field", "cmd/tunnelbench/behaving"},
	"fuzz":                         {"fuzz/oracle", "fuzz/report", "fuzz/text", "fuzz/wire", "internal/atomicfile", "internal/reexec", "reference/offload", "internal/bounded", "internal/tempdir", "fuzz/sealed"},
	"fuzz/live":                    {"fuzz/live/bpf", "fuzz/live/mutate", "fuzz/report", "internal/atomicfile", "internal/lab", "internal/stats", "internal/sys", "loadgen", "netns", "netns/dut", "reports/result", "reports/show", "reports/texttab", "rfc2544", "reference/wireguard", "internal/oneline"},
	"fuzz/live/bpf":                {},
	"fuzz/live/mutate":             {"internal/checksum", "internal/splitmix", "reference/wire"},
	"fuzz/oracle":                  {"internal/sys"},
	"fuzz/oss-fuzz":                {}, // only tests
	"fuzz/oss-fuzz/seeds":          {"fuzz"},
	"fuzz/planted":                 {}, // only imported by a build overlay
	"fuzz/proof":                   {"fuzz", "fuzz/oracle", "fuzz/report", "internal/signals"},
	"fuzz/report":                  {"internal/atomicfile", "internal/junit", "internal/strictjson", "reports/result", "reports/show", "reports/texttab", "internal/bounded"},
	"fuzz/text":                    {"fuzz/oracle", "netns", "netns/dut", "reference", "reference/endfile", "reports/result", "rfc2544", "rfc2544/mlrsearch", "rfc2544/simulated", "reference/wireguard", "internal/oneline"},
	"fuzz/wire":                    {"fuzz/oracle", "internal/sys", "loadgen/signature", "reference", "reference/inner", "reference/offload", "reference/wire", "reference/settings", "reference/stats"},
	"internal/bounded":             {},
	"internal/atomicfile":          {},
	"internal/checksum":            {},
	"internal/cli":                 {"recipes", "fuzz/report", "internal/kv", "internal/lab", "internal/lab/congestion", "internal/neighbour", "loadgen", "netns", "netns/dut", "reports", "reports/result", "rfc2544"},
	"internal/closers":             {},
	"internal/git":                 {"internal/subprocess"},
	"internal/junit":               {},
	"internal/oneline":             {},
	"internal/kv":                  {},
	"internal/lab":                 {"internal/closers", "internal/neighbour", "internal/reexec", "internal/sys", "loadgen", "loadgen/afpacket", "loadgen/xdp", "netns", "netns/counters", "netns/dut", "reports/result", "rfc2544", "internal/stats", "internal/signals", "internal/cpuname", "internal/machine", "internal/lab/congestion"},
	"internal/lab/congestion":      {"internal/kv", "netns"},
	"internal/lab/labtest":         {"internal/lab", "internal/reexec", "loadgen", "netns/dut", "rfc2544", "rfc2544/simulated"}, // only imported by tests
	"internal/lab/behaviour/tap":   {"internal/sys", "netns"},
	"internal/lab/behaviour":       {"internal/checksum", "internal/closers", "internal/lab", "internal/lab/behaviour/events", "internal/splitmix", "internal/stats", "loadgen", "netns", "netns/dut", "reports/behaviour", "rfc2544", "internal/lab/behaviour/tap", "netns/counters"},
	"cmd/tunnelbench/behaving":     {"fuzz/report", "internal/atomicfile", "internal/cli", "internal/lab", "internal/lab/behaviour", "reports/behaviour", "reports/result"},
	"reports/behaviour/page":       {"reports/behaviour", "reports/frame", "reports/show"},
	"reports/behaviour":            {"internal/strictjson", "reports/result", "reports/texttab", "rfc2544"},
	"internal/lab/selftest":        {"ci/compare", "internal/lab", "internal/stats", "netns/dut", "netns/relay", "reports/result", "rfc2544", "internal/lab/control"},
	"internal/lab/streams":         {"internal/lab", "internal/reexec", "internal/stats", "loadgen/streams", "netns", "netns/dut", "reports/result", "reports/show", "rfc2544", "internal/signals", "netns/dut/stream"},
	"internal/lab/suite":           {"internal/lab", "internal/lab/streams", "netns/dut", "reports/result", "rfc2544", "rfc2544/mlrsearch", "rfc2544/simulated", "internal/lab/control", "loadgen", "internal/bounded"},
	"internal/neighbour":           {"internal/closers", "internal/kv", "internal/reexec", "internal/splitmix", "internal/sys", "loadgen/stall", "netns", "internal/signals"},
	"internal/reexec":              {},
	"internal/splitmix":            {},
	"internal/stats":               {},
	"internal/strictjson":          {"internal/bounded"},
	"internal/strictyaml":          {"internal/bounded"},
	"internal/subprocess":          {},
	"internal/sys":                 {},
	"internal/testenv":             {}, // only imported by tests
	"loadgen":                      {"internal/checksum", "loadgen/signature", "rfc2544"},
	"loadgen/afpacket":             {"internal/atomicfile", "internal/checksum", "internal/sys", "loadgen", "loadgen/signature", "rfc2544"},
	"loadgen/bpf":                  {},
	"loadgen/enginetest":           {"loadgen", "loadgen/signature", "netns", "rfc2544"}, // only imported by tests
	"loadgen/signature":            {},
	"loadgen/stall":                {"internal/sys", "loadgen/bpf"},
	"loadgen/streams":              {"internal/sys", "loadgen", "rfc2544"},
	"loadgen/xdp":                  {"internal/closers", "internal/sys", "loadgen", "loadgen/bpf", "rfc2544"},
	"netns":                        {"internal/reexec", "internal/sys", "internal/signals", "internal/execfile", "internal/tempdir", "internal/subprocess"},
	"netns/counters":               {"internal/sys", "netns", "netns/counters/bpf", "rfc2544"},
	"netns/counters/bpf":           {},
	"recipes":                      {"internal/strictyaml"},
	"internal/installation":        {"internal/subprocess", "recipes"},
	"cmd/tunnelbench/recipe":       {"internal/cli", "internal/installation", "recipes"},
	"netns/dut/stream":             {"netns"},
	"netns/dut":                    {"recipes", "internal/execfile", "internal/kv", "netns", "netns/dut/role", "netns/relay", "reference/settings", "reference/wire", "reference/wireguard", "netns/dut/stream", "internal/oneline"},
	"netns/relay":                  {"internal/kv", "internal/splitmix", "internal/sys", "loadgen/signature"},
	"reference":                    {"internal/closers", "internal/sys", "reference/sources", "reference/inner", "reference/offload", "reference/wire", "reference/lanport", "reference/wireguard", "reference/settings", "reference/stats", "reference/wireguard/control", "reference/roster"},
	"reference/bpf":                {},
	"reference/reload":             {"reference/roster", "reference/settings", "reference/wireguard"},
	"reference/sources":            {"internal/sys", "reference/bpf"},
	"reference/endfile":            {"internal/strictyaml", "internal/bounded", "reference/settings", "reference/wireguard"},
	"reference/inner":              {},
	"reference/offload":            {"internal/checksum", "reference/inner"},
	"reference/wire":               {},
	"reports":                      {"ci/gate", "fuzz/report", "internal/atomicfile", "internal/junit", "internal/stats", "internal/strictjson", "reports/charts", "reports/conformance", "reports/figure", "reports/matrix", "reports/result", "reports/show", "reports/texttab", "rfc2544", "reports/budget", "reports/counts", "reports/frame"}, // imports ci/gate for the history page
	"reports/charts":               {"fuzz/report", "internal/atomicfile", "internal/stats", "internal/strictjson", "reports/figure", "reports/matrix", "reports/result", "reports/show", "rfc2544"},
	"reports/conformance":          {"internal/strictjson", "reports/result", "rfc2544"},
	"reports/figure":               {"internal/strictjson", "reports/show", "rfc2544"},
	"reports/matrix":               {"internal/strictjson", "reports/result", "reports/show", "rfc2544"},
	"reports/result":               {"internal/atomicfile", "internal/strictjson", "rfc2544", "internal/bounded"},
	"reports/result/resulttest":    {"internal/strictjson", "reports/result", "rfc2544"},
	"reports/show":                 {"internal/strictjson", "rfc2544"},
	"reports/texttab":              {},
	"rfc2544":                      {"internal/kv", "internal/stats", "rfc2544/mlrsearch"},
	"rfc2544/mlrsearch":            {"internal/kv"}, // otherwise only the standard library
	"rfc2544/simulated":            {"internal/kv", "internal/stats", "rfc2544"},
	"internal/lab/doctor":          {"internal/lab", "netns", "netns/dut", "internal/lab/emulated", "internal/machine"},
	"internal/lab/study":           {"internal/cli", "internal/lab", "internal/reexec", "internal/sys", "internal/stats", "loadgen", "netns", "netns/dut", "rfc2544", "internal/lab/control"},
	"internal/lab/control":         {"internal/lab", "internal/stats", "loadgen", "netns/dut", "rfc2544", "reports/result"},
	"ci/gate/count":                {"ci/gate", "internal/atomicfile", "internal/stats", "internal/strictjson", "reports/result", "reports/texttab", "internal/bounded"},
	"cmd/tunnelbench/counting":     {"ci/gate", "ci/gate/count", "ci/gate/revision", "internal/atomicfile", "internal/cli", "internal/lab/emulated", "internal/lab/emulated/guest", "netns/dut", "reports/counts", "reports/result", "rfc2544", "internal/bounded", "internal/strictjson", "internal/lab/interop", "reports/interop"},
	"cmd/tunnelbench/gating":       {"ci/compare", "ci/gate", "ci/gate/pairs", "ci/gate/revision", "cmd/tunnelbench/counting", "internal/cli", "internal/lab", "internal/lab/streams", "reports/result", "netns"},
	"internal/lab/emulated":        {"internal/lab/emulated/initrd", "netns/dut", "reports/result", "rfc2544", "internal/sys", "netns", "internal/tempdir", "reports/interop"},
	"internal/lab/emulated/calls":  {"fuzz", "internal/reexec", "internal/sys", "loadgen/signature", "reference/offload", "reference/wire", "reports/result", "fuzz/oracle", "fuzz/wire"},
	"internal/lab/emulated/guest":  {"internal/lab/emulated", "internal/lab/emulated/calls", "internal/reexec", "internal/sys", "loadgen", "loadgen/signature", "netns", "netns/dut", "reports/result", "rfc2544", "internal/lab/interop", "reports/interop"},
	"internal/lab/emulated/initrd": {},
	"reports/budget":               {"internal/strictjson", "reports/result", "reports/show"},
	"reports/counts":               {"internal/strictjson", "reports/result", "reports/show", "reports/texttab", "rfc2544"},
	"internal/signals":             {},
	"internal/cpuname":             {},
	"internal/execfile":            {},
	"reference/lanport":            {"reference/bpf"},
	"internal/tempdir":             {"internal/execfile"},
	"ci/soak":                      {"internal/signals", "internal/splitmix", "reports/result", "internal/cli"},
	"internal/machine":             {"internal/reexec", "internal/sys", "internal/tempdir"},
	"reference/wireguard":          {"internal/splitmix", "reference/wire"},
	"reference/settings":           {"reference/wire", "reference/wireguard"},
	"reference/stats":              {"reference/wire", "reference/wireguard"},
	"reference/wireguard/control":  {"reference/wireguard"},
	"reference/wgquick":            {"internal/bounded", "reference/settings", "reference/wireguard"},
	"netns/dut/role":               {"internal/atomicfile", "internal/reexec", "internal/signals", "internal/sys", "netns", "netns/relay", "reference", "reference/inner", "reference/settings", "reference/stats", "reference/uapi", "reference/wire", "reference/wireguard"},
	"internal/lab/once":            {"internal/lab", "netns/dut", "rfc2544"},
	"reference/roster":             {"reference/settings", "reference/stats", "reference/wireguard"},
	"reference/uapi":               {"internal/sys", "reference/roster", "reference/wireguard"},
	"internal/lab/interop":         {"internal/closers", "internal/cpuname", "internal/strictjson", "netns", "netns/dut", "netns/dut/role", "reports/result", "reference/wireguard", "reports/interop"},
	"reports/frame":                {},
	"reports/capture":              {},
	"internal/lab/trace":           {"reports/capture", "internal/checksum", "internal/closers", "internal/lab", "internal/lab/control", "internal/lab/trace/bpf", "internal/lab/trace/stacks", "internal/sys", "loadgen", "netns", "netns/counters", "netns/dut", "reports/waterfall", "rfc2544"},
	"internal/lab/trace/bpf":       {},
	"internal/lab/trace/stacks":    {"internal/closers", "internal/sys"},
	"internal/lab/progress":        {"internal/lab/suite", "internal/openmetrics", "internal/reexec", "internal/signals", "internal/sys", "netns", "reports/result", "rfc2544"},
	"internal/openmetrics":         {},
	"reference/events":             {"reference/roster", "reference/stats", "reference/wireguard"},
	"reference/metrics":            {"reference/roster", "reference/stats", "reference/wireguard"},
	"cmd/tunnelbench/keying":       {"internal/bounded", "internal/cli", "reference/wireguard"},
	"cmd/tunnelbench/matching":     {"cmd/tunnelbench/counting", "fuzz/report", "internal/atomicfile", "internal/cli", "internal/lab/interop", "reports/interop", "reports/interop/page", "reports/result"},
	"cmd/tunnelbench/tracing":      {"internal/atomicfile", "internal/cli", "internal/lab", "internal/lab/trace", "internal/lab/trace/stacks", "reports/result", "reports/waterfall"},
	"reports/waterfall":            {"internal/strictjson", "reports/frame", "reports/result", "reports/show", "reports/texttab"},
	"reports/inputs":               {"reports/behaviour", "reports/behaviour/page", "fuzz/report", "internal/bounded", "internal/strictjson", "reports/interop", "reports/interop/page", "reports/result", "reports/waterfall", "reports/field", "reports/field/page"},
	"cmd/tunnelbench/field":        {"internal/atomicfile", "internal/bounded", "internal/cli", "internal/lab", "internal/lab/field", "internal/strictjson", "netns/dut", "reports/field", "reports/field/page", "reports/result"},
	"internal/lab/field":           {"internal/atomicfile", "internal/bounded", "internal/installation", "internal/lab", "internal/lab/behaviour", "internal/lab/control", "internal/lab/streams", "recipes", "reports/behaviour", "internal/stats", "internal/strictjson", "loadgen", "netns/dut", "netns/dut/role", "reports/field", "reports/result", "rfc2544"},
	"reports/field":                {"reports/behaviour", "internal/strictjson", "reports/result", "rfc2544"},
	"reports/field/fieldtest":      {"reports/behaviour", "reports/field", "reports/result", "rfc2544"}, // only imported by tests
	"reports/field/page":           {"reports/behaviour", "internal/strictjson", "reports/field", "reports/figure", "reports/frame", "reports/result", "reports/show", "reports/texttab", "rfc2544"},
	"reports/interop":              {"reports/result", "internal/strictjson"},
	"reports/interop/page":         {"reports/frame", "reports/interop", "reports/show", "reports/texttab"},
	"reports/dissector":            {},
	"reference/keylog":             {"internal/bounded", "reference/wireguard"},
	"fuzz/sealed":                  {"fuzz/oracle", "reference", "reference/settings", "reference/stats", "reference/wgquick", "reference/wire", "reference/wireguard"},

	"internal/lab/behaviour/events": {"internal/lab", "internal/lab/behaviour/nat", "internal/lab/behaviour/probe", "internal/lab/behaviour/series", "internal/lab/congestion", "internal/lab/streams", "loadgen/streams", "netns", "netns/dut", "reports/behaviour", "internal/oneline", "netns/counters"},
	"internal/lab/behaviour/nat":    {"netns", "internal/lab/behaviour/tap"},
	"internal/lab/behaviour/probe":  {"internal/closers", "internal/lab/behaviour/series", "netns", "internal/lab/behaviour/tap"},
	"internal/lab/behaviour/series": {"internal/stats"},
}

// private packages may only be imported by their owner and the packages below it, not even by the
// command.
var private = map[string]string{"loadgen/bpf": "loadgen", "reference/bpf": "reference", "fuzz/live/bpf": "fuzz/live", "netns/counters/bpf": "netns/counters", "internal/lab/trace/bpf": "internal/lab/trace", "internal/testenv": "tests", "loadgen/enginetest": "tests"}

// pure packages compute values and run on any system.
var pure = []string{"internal/kv", "ci/gate", "fuzz/report", "internal/junit", "internal/checksum", "internal/stats", "internal/strictjson", "loadgen/signature", "reference/offload", "reference/wire", "reports", "reports/capture", "reports/conformance", "reports/result", "reports/show", "rfc2544", "rfc2544/mlrsearch", "rfc2544/simulated"}

// impure lists the imports that a pure package may not have.
var impure = []string{"net", "net/http", "os/exec", "os/signal", "syscall", "unsafe", "golang.org/x/sys/unix"}

// listed holds the fields that the test reads from `go list`.
type listed struct {
	Dir, ImportPath string
	Imports         []string
	GoFiles         []string
	IgnoredGoFiles  []string
}

// name returns the package's folder.
func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// packages returns the module's packages as built on Linux and with the go-fuzz tag.
func packages(t *testing.T) (all []listed) {
	t.Helper()
	list := exec.Command("go", "list", "-tags", "dvyukov", "-json=Dir,ImportPath,Imports,GoFiles,IgnoredGoFiles", "./...")
	list.Dir = ".."
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, stderr.Bytes())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("go list found no package")
	}
	return all
}

func TestArrows(t *testing.T) {
	imports := map[string][]string{}
	for _, p := range packages(t) {
		allowed, known := arrows[p.name()]
		if !known {
			t.Errorf("%s: a package without a place: add it to the design and to this test", p.name())
		}
		imports[p.name()] = []string{}
		// Files for other systems and build tags count as well.
		for _, imported := range p.allImports(t) {
			imports[p.name()] = append(imports[p.name()], strings.TrimPrefix(imported, module+"/"))
			if why := forbidden(p.name(), allowed, imported); why != "" {
				t.Errorf("%s imports %s: %s", p.name(), imported, why)
			}
		}
	}
	for _, arrow := range unused(arrows, imports) {
		t.Errorf("%s: take it out of this test", arrow)
	}
}

// unused returns the listed arrows without an import, and the listed packages that do not exist.
func unused(listed, imports map[string][]string) (all []string) {
	for name, targets := range listed {
		taken, found := imports[name]
		if !found {
			all = append(all, name+": no such package")
		}
		for _, target := range targets {
			if !slices.Contains(taken, target) {
				all = append(all, name+" does not import "+target)
			}
		}
	}
	slices.Sort(all)
	return all
}

// forbidden returns why a package may not import another, or an empty string.
func forbidden(name string, allowed []string, imported string) string {
	target, ours := strings.CutPrefix(imported, module+"/")
	switch {
	case imported == "golang.org/x/sys/unix" && name != "internal/sys":
		return "only internal/sys may"
	case !ours:
		return ""
	case private[target] != "" && name != private[target] && !strings.HasPrefix(name, private[target]+"/"):
		return "it belongs to " + private[target]
	case slices.Contains(allowed, target):
		return ""
	}
	return "there is no such arrow"
}

// allImports returns the imports of all files except tests.
func (p listed) allImports(t *testing.T) (all []string) {
	t.Helper()
	all = slices.Clone(p.Imports)
	for _, name := range p.IgnoredGoFiles {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := parse(t, filepath.Join(p.Dir, name))
		for _, i := range file.Imports {
			all = append(all, strings.Trim(i.Path.Value, `"`))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheArrowsTestCanFail(t *testing.T) {
	for _, c := range []struct{ name, imported, want string }{
		{"rfc2544", module + "/reports", "there is no such arrow"},
		{"netns", "golang.org/x/sys/unix", "only internal/sys may"},
		{"cmd/tunnelbench", module + "/loadgen/bpf", "it belongs to loadgen"},
		{"netns", module + "/internal/testenv", "it belongs to tests"},
		{"loadgen/xdp", module + "/loadgen/bpf", ""},
		{"loadgen/afpacket", module + "/loadgen/bpf", "there is no such arrow"},
		{"cmd/tunnelbench", module + "/fuzz", ""},
	} {
		if got := forbidden(c.name, arrows[c.name], c.imported); got != c.want {
			t.Errorf("%s imports %s: %q, want %q", c.name, c.imported, got, c.want)
		}
	}
	listed := map[string][]string{"a": {"b", "c"}, "gone": {}}
	want := []string{"a does not import c", "gone: no such package"}
	if diff := cmp.Diff(want, unused(listed, map[string][]string{"a": {"b"}})); diff != "" {
		t.Error(diff)
	}
}

// TestPurePackages checks that pure packages use no sockets, no clock and no build tags.
func TestPurePackages(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(pure, p.name()) {
			continue
		}
		if len(p.IgnoredGoFiles) > 0 {
			t.Errorf("%s: %q are not built everywhere", p.name(), p.IgnoredGoFiles)
		}
		for _, imported := range p.Imports {
			if slices.Contains(impure, imported) {
				t.Errorf("%s imports %s", p.name(), imported)
			}
		}
		for _, name := range p.GoFiles {
			file := parse(t, filepath.Join(p.Dir, name))
			for _, call := range []string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "Tick"} {
				if selects(file, []string{"time"}, call) {
					t.Errorf("%s/%s: time.%s: it has no clock of its own", p.name(), name, call)
				}
			}
		}
	}
}

// selects reports whether a file mentions x.name for one of the given x.
func selects(file *ast.File, xs []string, name string) (found bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			x, ok := s.X.(*ast.Ident)
			found = found || ok && slices.Contains(xs, x.Name)
		}
		return !found
	})
	return found
}

// TestOnlyTestenvLeavesTestsOut checks that only testenv skips tests: a skipped test proves
// nothing.
func TestOnlyTestenvLeavesTestsOut(t *testing.T) {
	var callers []string
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		file := parse(t, path)
		for _, name := range []string{"Skip", "Skipf", "SkipNow"} {
			if selects(file, []string{"t", "b", "f", "tb"}, name) {
				callers = append(callers, filepath.ToSlash(filepath.Dir(path)))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"../internal/testenv"}; !slices.Equal(slices.Compact(callers), want) {
		t.Errorf("tests are left out in %q, want %q", callers, want)
	}
}
