package subprocess

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell returns a command line of sh.
func shell(script string) Command {
	return Command{Dir: "/", Env: []string{"PATH=" + os.Getenv("PATH")}, Args: []string{"sh", "-c", script}}
}

// patience is how long a test waits for what happens at once, on a busy machine too.
const patience = time.Minute

// alive reports whether a process runs; a zombie does not.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	state, err := os.ReadFile("/proc/" + pid + "/stat")
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return !strings.Contains(string(state), ") Z ")
}

// gone waits until no process of a list runs.
func gone(t *testing.T, pids string) {
	t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left := ""
		for _, pid := range strings.Fields(pids) {
			if alive(t, pid) {
				left = pid
			}
		}
		if left == "" {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("process %s is left", left)
		}
	}
}

// A program's end is its own: children that hold its output are ended and not waited for.
func TestChildrenEndWithTheProgram(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"in the background":     `sleep 3000 & echo $!`,
		"in another session":    `setsid sleep 3000 & echo $!`,
		"deaf to hanging up":    `nohup sleep 3000 & echo $!`,
		"deaf to SIGTERM":       `(trap "" TERM; exec sleep 3000) & echo $!`,
		"a child of a child":    `sh -c 'sleep 3000 & echo $!; wait' & sleep 0.1`,
		"without a held output": `sleep 3000 >/dev/null 2>&1 & echo $!`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := filepath.Join(t.TempDir(), "child")
			c := shell(strings.ReplaceAll(script, "echo $!", "echo $! >"+said))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := c.Run(ctx); err != nil {
				t.Fatal(err)
			}
			child, err := os.ReadFile(said)
			if err != nil {
				t.Fatal(err)
			}
			gone(t, string(child))
		})
	}
}

// cue cancels a context when the program has said something.
type cue struct {
	said   bytes.Buffer
	cancel context.CancelCauseFunc
}

var errEnough = errors.New("enough")

func (c *cue) Write(b []byte) (int, error) {
	c.cancel(errEnough)
	return c.said.Write(b)
}

func TestInterruptEndsAll(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"the program":         `echo $$; exec sleep 3000`,
		"and its child":       `sleep 3000 & echo $! $$; wait`,
		"both deaf":           `trap "" TERM; sleep 3000 & echo $! $$; wait; sleep 3000`,
		"and another session": `setsid sleep 3000 & echo $! $$; wait`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			out := &cue{cancel: cancel}
			c := shell(script)
			c.Out = out
			if err := c.Run(ctx); !errors.Is(err, errEnough) {
				t.Errorf("%v, want the context's cause", err)
			}
			gone(t, out.said.String())
		})
	}
}

// An output without end is cut: its last lines are the error.
func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	err := shell(`head -c 50000000 /dev/zero | tr '\0' x; echo; echo one; echo two >&2; exit 3`).Run(t.Context())
	var failed *Error
	if !errors.As(err, &failed) || !strings.HasSuffix(failed.Words, "; one; two") || len(failed.Words) > 1000 {
		t.Errorf("%.200v", err)
	}
}

func TestWhoseFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script     string
		machine, missing bool
	}{
		{"a plain failure", "echo undefined: x; exit 1", false, false},
		{"no such tool", "nosuchtool --help", false, true},
		{"a file that is no program", "/dev/null", false, true},
		{"no compiler", "nosuchdirectory/cc -c x.c", true, true},
		{"no compiler, says make", "echo 'make: gcc: No such file or directory'; exit 2", true, false},
		{"no compiler, says go", `echo 'cgo: C compiler "gcc" not found: exec: "gcc": executable file not found in $PATH'; exit 1`, true, false},
		{"no space", "echo x >/dev/full", true, false},
		{"killed", "kill -KILL $$", true, false},
		{"a child was killed", "sh -c 'kill -KILL $$'; exit $?", true, false},
		{"no memory", "echo 'fatal error: runtime: cannot allocate memory'; exit 2", true, false},
		{"a Go that is too old", "echo 'go: go.mod requires go >= 9.9 (running go 1.26)'; exit 1", true, false},
		{"a crash of its own", "kill -ABRT $$", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := shell(c.script).Run(t.Context())
			if err == nil || Machine(err) != c.machine || ToolMissing(err) != c.missing {
				t.Errorf("%v: the machine's %v, a missing tool %v; want %v, %v", err, Machine(err), ToolMissing(err), c.machine, c.missing)
			}
		})
	}
}

func TestProgramThatDoesNotStart(t *testing.T) {
	t.Parallel()
	c := Command{Dir: "/", Args: []string{"nosuchprogram"}}
	err := c.Run(t.Context())
	if !Machine(err) || !strings.Contains(err.Error(), "nosuchprogram is not in PATH ("+os.Getenv("PATH")+")") {
		t.Error(err)
	}
	c = Command{Dir: "/nosuchdirectory", Args: []string{"true"}}
	if err := c.Run(t.Context()); err == nil {
		t.Error("ran in a directory that is not there")
	}
}
