package ci

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
	"github.com/tunnelbench/tunnelbench/reports/field/fieldtest"
)

// outside lists the verbs that need no lab; their commands are executed.
var outside = []string{"search", "report", "list", "version", "dissector", "recipes"}

// unfit is an option that every lab verb rejects after it has accepted all options before it. So
// the whole command line is checked, but no lab is opened.
var unfit = []string{"--flows", "0"}

func TestTunnelbenchCommandsWork(t *testing.T) {
	binary, dir := build(t), workplace(t)
	run := func(args ...string) (output string, status int) {
		cmd := exec.Command(binary, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	checked := 0
	for _, c := range append(allCommands(t), examples(t, run)...) {
		args := c.argv()
		if args[0] != "tunnelbench" || len(args) < 2 {
			continue
		}
		checked++
		if why := works(run, args[1:]); why != "" {
			t.Errorf("%s:%d: %s: %s", c.file, c.line, c.text, why)
		}
	}
	if checked == 0 {
		t.Error("no document shows a tunnelbench command")
	}
	for _, bad := range [][]string{{"run", "--dut", "nosuch"}, {"trial", "--dut", "wire"}, {"search", "--goal", "x"}, {"doctor", "--x"}, {"fly"}, {"fuzz", "run", "--target", "x"}} {
		if works(run, bad) == "" {
			t.Errorf("tunnelbench %q passes for a command that works", bad)
		}
	}
}

// examples returns the commands in the help of each verb.
func examples(t *testing.T, run func(...string) (string, int)) (all []command) {
	t.Helper()
	overview, _ := run("--help")
	for _, m := range helpVerb.FindAllStringSubmatch(overview, -1) {
		help, _ := run(append(strings.Fields(m[1]), "--help")...)
		_, shown, _ := strings.Cut(help, "\nExamples:\n")
		found := 0
		for line := range strings.Lines(shown) {
			all = append(all, command{"help of " + m[1], found + 1, strings.TrimSpace(line)})
			found++
		}
		if found == 0 && m[1] != "completion" {
			t.Errorf("%s: its help shows no example", m[1])
		}
	}
	if len(all) == 0 {
		t.Error("the overview shows no verb")
	}
	return all
}

// helpVerb matches a verb in the overview: two spaces, one or two words, and its summary.
var helpVerb = regexp.MustCompile(`(?m)^  ((?:fuzz |tunnel |recipes )?[a-z]+) +[A-Za-z]`)

// unfits lists the rejected option for verbs without flows.
var unfits = map[string][]string{
	"gate out/gate/base.json": {"--policy", "/nosuch"},
	"cost --dut":              {"--batches", "0"}, "cost --calls": {"--batches", "0"},
	"interop": {"--checks", "/nosuch"}, "behaviour": {"--tests", "/nosuch"},
	"fuzz run": {"--time", "0s"}, "fuzz repro": {"--target", "nobody"}, "fuzz merge": {"--target", "nobody"},
}

// works returns why a command line is wrong, or an empty string.
func works(run func(...string) (string, int), args []string) string {
	verb := args[0]
	help := slices.Contains(args, "--help")
	switch {
	case verb == "recipes" && len(args) > 2 && args[1] == "install": // a test installs nothing
		if output, status := run(append(slices.Clone(args), "--help")...); status != 0 {
			return output
		}
		return ""
	case help || slices.Contains(outside, verb) || verb == "fuzz" && len(args) > 1 && slices.Contains([]string{"list", "report"}, args[1]):
		if output, status := run(args...); status != 0 {
			return output
		}
		return ""
	case verb == "tunnel" && len(args) > 1 && !strings.HasPrefix(args[1], "--"):
		if output, status := run(append(slices.Clone(args[:2]), "--help")...); status != 0 { // one waits for a key
			return output
		}
		return ""
	case verb == "tunnel":
		if output, status := run(append(slices.Clone(args), "--check")...); status != 0 {
			return output
		}
		return ""
	case verb == "doctor" && !slices.Contains(args, "--x"):
		// The command would block another user of the lab.
		if output, status := run(append(slices.Clone(args), "--help")...); status != 0 {
			return output
		}
		return ""
	}
	unfit := unfit
	if unfits[verb] != nil {
		unfit = unfits[verb]
	}
	if len(args) > 1 && unfits[args[0]+" "+args[1]] != nil {
		unfit = unfits[args[0]+" "+args[1]]
	}
	output, status := run(append(slices.Clone(args), unfit...)...)
	if status != 2 || !strings.Contains(output, strings.Join(unfit, " ")+":") {
		return output
	}
	return ""
}

// build builds the binary as `make build` does.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "tunnelbench")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "./cmd/tunnelbench")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// sealedFiles returns the files of a sealed tunnel, which have keys.
func sealedFiles() map[string][]byte {
	private, preshared := wireguard.PrivateKey{8, 1}.Base64(), wireguard.PresharedKey{1}.Base64()
	return map[string][]byte{
		"private.key": []byte(private), "preshared.key": []byte(preshared),
		"wg0.conf": fmt.Appendf(nil, "[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %v\nAllowedIPs = 10.2.0.0/16\n", private, wireguard.PrivateKey{8, 2}.Public()),
	}
}

// workplace returns a folder that looks like the repository's root after a run, with the documents'
// examples and with results in out.
func workplace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	examples := filepath.Join(dir, "docs", "examples")
	if err := os.CopyFS(examples, os.DirFS("../docs/examples")); err != nil {
		t.Fatal(err)
	}
	results, err := os.ReadFile("../reports/result/testdata/small.json")
	if err != nil {
		t.Fatal(err)
	}
	history, err := gate.HistoryLine(&gate.Report{Verdict: gate.Pass}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	field, err := fieldtest.Sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"out/results.json": results, "other/results.json": results, "history.jsonl": history, "monday/field.json": field, "tuesday/field.json": field}
	for name, source := range map[string]string{
		"out/fuzz/fuzz.json": "../fuzz/report/testdata/fuzz.json", "trials.jsonl": "../docs/examples/trials.jsonl", "end.yaml": "../docs/examples/end.yaml", "sealed.yaml": "../docs/examples/sealed.yaml",
		"mytunnel.sh": "../docs/examples/vxlan.sh", "my-tunnel.sh": "../docs/examples/vxlan.sh", "old/tunnelbench": "../docs/examples/vxlan.sh",
	} {
		if files[name], err = os.ReadFile(source); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(files, sealedFiles())
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
