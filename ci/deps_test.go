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
)

const module = "github.com/tunnelbench/tunnelbench"

// everything is the arrow of the command, which composes all.
const everything = "*"

// arrows say which packages of the module each may import; tests may import
// what they like. A package that is not here is a fault: give it a place first.
var arrows = map[string][]string{
	"reports/texttab": {},
	"cmd/tunnelbench": {everything},

	"internal/lab":          {"internal/reexec", "internal/stats", "netns", "netns/counters", "netns/dut", "netns/relay", "loadgen", "loadgen/xdp", "loadgen/afpacket", "rfc2544", "reports", "internal/sys", "rfc2544/mlrsearch", "rfc2544/simulated", "reports/result"},
	"internal/lab/labtest":  {"internal/reexec", "internal/lab", "loadgen", "netns", "netns/dut", "rfc2544", "rfc2544/simulated"}, // for tests
	"internal/lab/selftest": {"internal/lab", "internal/stats", "netns/dut", "netns/relay", "reports", "rfc2544", "reports/result", "ci/compare"},
	"internal/lab/streams":  {"internal/reexec", "internal/lab", "internal/stats", "loadgen/streams", "netns", "netns/dut", "reports", "rfc2544", "reports/result", "reports/show"},
	"internal/lab/suite":    {"internal/lab", "internal/lab/streams", "netns/dut", "reports", "rfc2544", "rfc2544/mlrsearch", "rfc2544/simulated", "reports/result"},

	"ci":                        {},
	"ci/gate":                   {"internal/junit", "internal/stats", "internal/strictjson", "internal/strictyaml", "reports/result", "reports/show", "rfc2544", "reports/texttab"},
	"ci/gate/resample":          {"ci/gate", "rfc2544"},
	"ci/gate/pairs":             {"ci/compare", "ci/gate", "internal/lab", "netns/dut", "reports/result", "rfc2544"},
	"ci/gate/revision":          {"ci/gate", "netns/dut"},
	"ci/compare":                {"internal/lab", "internal/stats", "netns/dut", "reports/result", "rfc2544", "rfc2544/mlrsearch"}, // reports draws its table and chart from result.Comparison alone
	"reports/show":              {"internal/strictjson", "rfc2544"},
	"reports":                   {"ci/gate", "fuzz/report", "internal/junit", "reports/show", "rfc2544", "internal/stats", "internal/strictjson", "reports/conformance", "reports/result", "reports/figure", "reports/texttab", "reports/charts", "reports/matrix"}, // ci/gate for the page of its history
	"reports/conformance":       {"internal/strictjson", "reports/result", "rfc2544"},
	"rfc2544":                   {"internal/stats", "rfc2544/mlrsearch", "internal/kv"},
	"rfc2544/mlrsearch":         {"internal/kv"}, // beside it the standard library only
	"rfc2544/simulated":         {"rfc2544", "internal/stats", "internal/kv"},
	"loadgen":                   {"rfc2544", "internal/sys", "loadgen/bpf", "loadgen/signature", "internal/checksum"},
	"loadgen/xdp":               {"loadgen", "loadgen/bpf", "rfc2544", "internal/sys"},
	"loadgen/afpacket":          {"loadgen", "loadgen/signature", "internal/checksum", "rfc2544", "internal/sys"},
	"loadgen/streams":           {"loadgen", "rfc2544", "internal/sys"},
	"loadgen/enginetest":        {"loadgen", "loadgen/signature", "netns", "rfc2544"}, // from tests only
	"loadgen/signature":         {},
	"loadgen/bpf":               {},
	"netns/dut":                 {"internal/reexec", "netns", "netns/relay", "reference", "reference/inner", "reference/wire", "internal/sys", "internal/kv"},
	"netns/relay":               {"loadgen/signature", "internal/sys", "internal/kv"},
	"netns/counters":            {"internal/sys", "netns", "netns/counters/bpf", "rfc2544"},
	"netns/counters/bpf":        {},
	"netns":                     {"internal/reexec", "internal/sys"},
	"reference":                 {"internal/sys", "internal/strictyaml", "reference/bpf", "reference/inner", "reference/offload", "reference/wire"},
	"reference/bpf":             {},
	"reference/inner":           {},
	"reference/offload":         {"reference/inner", "internal/checksum"},
	"reference/wire":            {},
	"fuzz":                      {"internal/reexec", "fuzz/text", "fuzz/wire", "fuzz/oracle", "reference/offload", "reports/result", "fuzz/report"},
	"fuzz/oracle":               {},
	"fuzz/wire":                 {"fuzz/oracle", "reference", "reference/inner", "reference/offload", "reference/wire", "loadgen/signature", "internal/sys"},
	"fuzz/text":                 {"fuzz/oracle", "reference", "reports", "rfc2544", "netns", "netns/dut", "rfc2544/mlrsearch", "rfc2544/simulated", "reports/result", "reference/endfile"},
	"fuzz/report":               {"internal/junit", "internal/strictjson", "reports/result", "reports/show", "reports/texttab"},
	"internal/junit":            {},
	"fuzz/live":                 {"fuzz/live/bpf", "fuzz/live/mutate", "internal/lab", "internal/stats", "internal/sys", "loadgen", "netns", "netns/dut", "rfc2544", "reports/result", "reports/texttab"},
	"fuzz/live/bpf":             {},
	"fuzz/live/mutate":          {"internal/checksum", "reference/wire"},
	"fuzz/planted":              {}, // imported by an overlay alone
	"fuzz/proof":                {"fuzz", "fuzz/oracle", "fuzz/report"},
	"fuzz/oss-fuzz":             {}, // tests alone
	"fuzz/oss-fuzz/seeds":       {"fuzz"},
	"internal/strictyaml":       {},
	"internal/kv":               {},
	"internal/stats":            {},
	"internal/checksum":         {},
	"internal/reexec":           {},
	"internal/sys":              {},
	"internal/testenv":          {}, // from tests only: no arrow leads to it
	"internal/strictjson":       {},
	"reports/result":            {"internal/stats", "internal/strictjson", "rfc2544"},
	"reports/result/resulttest": {"internal/strictjson", "reports/result", "rfc2544"},
	"reports/figure":            {"internal/strictjson", "reports/show", "rfc2544"},
	"reference/endfile":         {"internal/strictyaml", "reference"},
	"reports/charts":            {"fuzz/report", "internal/stats", "internal/strictjson", "reports/figure", "reports/matrix", "reports/result", "reports/show", "rfc2544"},
	"reports/matrix":            {"internal/strictjson", "reports/result", "reports/show", "rfc2544"},
	"internal/cli":              {"fuzz/live", "internal/kv", "internal/lab", "loadgen", "netns", "netns/dut", "reports", "rfc2544", "reports/result"},
}

// private packages belong to their owner and to what is below it; not even the
// command may import them.
var private = map[string]string{"loadgen/bpf": "loadgen", "reference/bpf": "reference", "fuzz/live/bpf": "fuzz/live", "netns/counters/bpf": "netns/counters", "internal/testenv": "tests", "loadgen/enginetest": "tests"}

// pure packages work on any system, from values alone.
var pure = []string{"internal/kv", "ci/gate", "fuzz/report", "internal/junit", "internal/checksum", "internal/stats", "internal/strictjson", "loadgen/signature", "reference/offload", "reference/wire", "reports", "reports/conformance", "reports/result", "reports/show", "rfc2544", "rfc2544/mlrsearch", "rfc2544/simulated"}

// impure is what a pure package may not import.
var impure = []string{"net", "net/http", "os/exec", "os/signal", "syscall", "unsafe", "golang.org/x/sys/unix"}

// listed is what the test wants to know from `go list`.
type listed struct {
	Dir, ImportPath string
	Imports         []string
	GoFiles         []string
	IgnoredGoFiles  []string
}

// name is the package's folder.
func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// packages are the module's, as Linux and the tag of the go-fuzz build see them.
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
	for _, p := range packages(t) {
		allowed, known := arrows[p.name()]
		if !known {
			t.Errorf("%s: a package without a place: add it to the design and to this test", p.name())
		}
		// Files that another system or another tag builds count as well.
		for _, imported := range p.allImports(t) {
			if why := forbidden(p.name(), allowed, imported); why != "" {
				t.Errorf("%s imports %s: %s", p.name(), imported, why)
			}
		}
	}
}

// forbidden says why a package may not import another; empty when it may.
func forbidden(name string, allowed []string, imported string) string {
	target, ours := strings.CutPrefix(imported, module+"/")
	switch {
	case imported == "golang.org/x/sys/unix" && name != "internal/sys":
		return "only internal/sys may"
	case !ours:
		return ""
	case private[target] != "" && name != private[target] && !strings.HasPrefix(name, private[target]+"/"):
		return "it belongs to " + private[target]
	case slices.Contains(allowed, everything) || slices.Contains(allowed, target):
		return ""
	}
	return "there is no such arrow"
}

// allImports are the imports of all files but tests.
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
}

// TestPurePackages: no sockets, no clock, no build tags.
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

// selects tells whether a file mentions x.name for one of the given x.
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

// TestOnlyTestenvLeavesTestsOut: a test that leaves itself out proves nothing.
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
