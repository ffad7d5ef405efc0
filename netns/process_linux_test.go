package netns

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// runEnv is an environment variable that marks every descendant of a test's process, so that the
// test can find processes that are left over.
const runEnv = "TB_TEST_RUN="

func runID(t *testing.T) string {
	return fmt.Sprintf("%s%d-%s-%d", runEnv, os.Getpid(), t.Name(), time.Now().UnixNano())
}

// marked returns the process IDs of the processes that have id in their environment.
func marked(id string) []string {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	var found []string
	for _, path := range paths {
		if env, err := os.ReadFile(path); err == nil && bytes.Contains(env, []byte(id)) {
			found = append(found, filepath.Base(filepath.Dir(path)))
		}
	}
	return found
}

func shell(t *testing.T, ns *NS, id, script string) (*Process, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	p, err := Start(ns, Command{Path: "sh", Args: []string{"-c", script}, Env: append(os.Environ(), id), Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	return p, &out
}

func waitDone(t *testing.T, p *Process) {
	t.Helper()
	if !p.endsWithin(10 * time.Second) {
		t.Fatal("the process did not end")
	}
}

func newNS(t *testing.T) *NS {
	t.Helper()
	ns := must[*NS](t)(New("a"))
	t.Cleanup(func() { ns.Close() })
	return ns
}

func TestStartRunsInside(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Dual(Plan{}))
	allowed := must[[]int](t)(AllowedCPUs())
	last := allowed[len(allowed)-1:]
	var out bytes.Buffer
	dir := must[string](t)(filepath.EvalSymlinks(t.TempDir()))
	p, err := Start(n.NS(Left), Command{
		Path: "sh", Dir: dir, CPUs: last, Stdout: &out, Env: append(os.Environ(), "TB_SIDE=left"),
		Args: []string{"-c", `readlink /proc/self/ns/net; ls /sys/class/net | tr '\n' ' '; echo; tr '\0' ' ' </proc/1/cmdline | cut -c-22 | head -1
			sed -n 's/Cpus_allowed_list:.//p' /proc/self/status /proc/1/status; pwd; echo $TB_SIDE; cat /proc/1/net/route | grep -c wan`},
	})
	if err != nil {
		t.Fatal(err)
	}
	waitDone(t, p)
	if p.Err() != nil || p.ExitCode() != 0 {
		t.Fatalf("exit %d: %v: %q", p.ExitCode(), p.Err(), &out)
	}
	cpu := FormatCPUList(last)
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{netnsInode(t, n.NS(Left)), "lan lo wan ", "tunnelbench " + initWord, cpu, cpu, dir, "left", "1"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("line %d: %q, want %q", i, got[i], want[i])
		}
	}
}

func TestStartErrors(t *testing.T) {
	testenv.NetAdmin(t)
	ns := newNS(t)
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte{0x7f, 'x', 0, 0}, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		command Command
		want    string
	}{
		{"unknown", Command{Path: "tb-no-such-command"}, "not found"},
		{"not a program", Command{Path: garbage}, "exec format error"},
		{"no such directory", Command{Path: "sh", Dir: "/no/such"}, "no such file"},
		{"no such cpu", Command{Path: "sh", CPUs: []int{5000}}, "cpu 5000"},
	} {
		p, err := Start(ns, c.command)
		if err == nil {
			p.Stop(0)
			t.Errorf("%s: started", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q, want one line with %q", c.name, err, c.want)
		}
	}
}

func TestProcessSaysWhyItEnded(t *testing.T) {
	testenv.NetAdmin(t)
	ns := newNS(t)
	p, _ := shell(t, ns, runID(t), "echo first >&2; echo no such tunnel >&2; exit 7")
	waitDone(t, p)
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "exit status 7: first no such tunnel") || p.ExitCode() != 7 {
		t.Errorf("exit %d: %v", p.ExitCode(), err)
	}
	if _, err := p.Stop(time.Second); err == nil {
		t.Error("Stop hides that the process had failed before")
	}
	p, _ = shell(t, ns, runID(t), "kill -KILL $$")
	waitDone(t, p)
	if p.ExitCode() != 128+9 {
		t.Errorf("killed: exit %d, want 137", p.ExitCode())
	}
	p, _ = shell(t, ns, runID(t), "i=0; while [ $i -lt 2000 ]; do echo 0123456789 >&2; i=$((i+1)); done; echo end >&2")
	waitDone(t, p)
	if tail := p.Stderr(); len(tail) != tailBytes || !strings.HasSuffix(tail, "end\n") {
		t.Errorf("stderr: %d bytes, ends in %q", len(tail), tail[max(0, len(tail)-8):])
	}
}

func TestDescendantsEndWithTheCommand(t *testing.T) {
	testenv.NetAdmin(t)
	id := runID(t)
	p, _ := shell(t, newNS(t), id, "sleep 1000 & (setsid sleep 1000 &) ; exit 0")
	waitDone(t, p)
	if left := marked(id); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	if p.Err() != nil {
		t.Error(p.Err())
	}
}

func TestStopIsGentleFirst(t *testing.T) {
	testenv.NetAdmin(t)
	ns, id := newNS(t), runID(t)
	p, out := shell(t, ns, id, `trap 'echo bye; exit 0' TERM; sleep 1000 & echo ready >&2; wait`)
	eventually(t, "the trap", func() bool { return strings.Contains(p.Stderr(), "ready") })
	if _, err := p.Stop(10 * time.Second); err != nil {
		t.Error(err)
	}
	if out.String() != "bye\n" || p.Err() != nil {
		t.Errorf("output %q, %v", out, p.Err())
	}
	p, _ = shell(t, ns, id, `trap '' TERM; echo ready >&2; while :; do sleep 1000; done`)
	eventually(t, "the trap", func() bool { return strings.Contains(p.Stderr(), "ready") })
	_, err := p.Stop(50 * time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("stubborn process: %v", err)
	}
	if p.ExitCode() < 0 {
		t.Error("stubborn process: its helper had to be killed")
	}
	if left := marked(id); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
}

func TestCPUTimeCountsTheLivingAndTheDead(t *testing.T) {
	testenv.NetAdmin(t)
	const burn = `i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done`
	p, _ := shell(t, newNS(t), runID(t), `(`+burn+`); echo dead >&2; `+burn+`; echo alive >&2; exec sleep 1000`)
	eventually(t, "the first burn", func() bool { return strings.Contains(p.Stderr(), "dead") })
	dead, _, err := p.CPUTime()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second burn", func() bool { return strings.Contains(p.Stderr(), "alive") })
	both, user, err := p.CPUTime()
	if err != nil {
		t.Fatal(err)
	}
	if dead < 20*time.Millisecond || both < dead*5/4 {
		t.Errorf("after a child's burn %v, after the shell's own %v", dead, both)
	}
	if user < both/4 || user > both+4*clockTick { // a shell that counts needs no system time
		t.Errorf("%v, of it %v in user mode", both, user)
	}
	usage, err := p.Stop(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if sum := usage.User + usage.System; sum < both/2 || sum > both*2+100*time.Millisecond {
		t.Errorf("bill %v, last seen %v", sum, both)
	}
}

func TestCommandInheritsNoIgnoredSignal(t *testing.T) {
	testenv.NetAdmin(t)
	p, out := shell(t, newNS(t), runID(t), "sed -n 's/SigIgn:.//p' /proc/self/status")
	waitDone(t, p)
	var ignored uint64
	if _, err := fmt.Sscanf(out.String(), "%x", &ignored); err != nil {
		t.Fatal(err)
	}
	const pipeAndTerm = 1<<(13-1) | 1<<(15-1)
	if ignored&pipeAndTerm != 0 {
		t.Errorf("SIGPIPE or SIGTERM ignored: %x", ignored)
	}
}
