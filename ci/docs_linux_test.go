package ci

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/ci/gate"
)

// outside are the verbs that need no lab: their commands are run.
var outside = []string{"search", "report", "list", "version"}

// unfit is an option that every verb of the lab refuses, after it has accepted
// all that stands before it: so a command is checked to its last word, and
// nothing is built.
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
	for _, c := range allCommands(t) {
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

// unfits are those of the verbs that have no flows.
var unfits = map[string][]string{
	"gate out/gate/base.json": {"--policy", "/nosuch"},
	"fuzz run":                {"--time", "0s"}, "fuzz repro": {"--target", "nobody"}, "fuzz merge": {"--target", "nobody"},
}

// works says why a command line does not; empty when it does.
func works(run func(...string) (string, int), args []string) string {
	verb := args[0]
	help := slices.Contains(args, "--help")
	switch {
	case help || slices.Contains(outside, verb) || verb == "fuzz" && len(args) > 1 && args[1] == "list":
		if output, status := run(args...); status != 0 {
			return output
		}
		return ""
	case verb == "tunnel":
		if output, status := run(append(slices.Clone(args), "--check")...); status != 0 {
			return output
		}
		return ""
	case verb == "doctor" && len(args) == 1:
		// It would take the lab from whoever uses it.
		if output, status := run(verb, "--help"); status != 0 {
			return output
		}
		return ""
	}
	unfit := unfit
	if len(args) > 1 && unfits[args[0]+" "+args[1]] != nil {
		unfit = unfits[args[0]+" "+args[1]]
	}
	output, status := run(append(slices.Clone(args), unfit...)...)
	if status != 2 || !strings.Contains(output, strings.Join(unfit, " ")+":") {
		return output
	}
	return ""
}

// build makes the binary as `make build` does.
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

// workplace is a folder that looks like the repository's root after a run: the
// documents' examples, and results in out.
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
	for name, data := range map[string][]byte{"out/results.json": results, "other/results.json": results, "history.jsonl": history} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
