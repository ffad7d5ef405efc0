package revision

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The error of a build says whose fault it is: of the input, of this machine, or of nobody, who
// interrupted it.
func TestBlameFor(t *testing.T) {
	repo := repository(t)
	t.Setenv("TMPDIR", t.TempDir())
	for _, c := range []struct {
		name, base, head, command string
		want                      Blame
	}{
		{"the head does not build", "one", "broken", "sh build.sh", Input},
		{"the base does not build", "broken", "two", "sh build.sh", Machine},
		{"neither does", "broken", "broken", "sh build.sh", Input},
		{"no such revision", "one", "nosuch", "true", Input},
		{"no such tool", "one", "two", "nosuchtool", Machine},
		{"a file that the head forgot", "one", "two", `grep -q "echo 1" build.sh || ./forgotten.sh`, Input},
		{"no compiler", "one", "two", "nosuch/cc x.c", Machine},
		{"no space", "one", "two", "echo 'ld: final link failed: No space left on device' >&2; exit 1", Machine},
		{"killed for want of memory", "one", "two", "kill -KILL $$", Machine},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(repo, c.base, c.head)
			r.Command, r.Layouts = c.command, 1
			b, err := r.Build(t.Context())
			if b != nil || err == nil || BlameFor(err) != c.want || strings.Contains(err.Error(), "\n") {
				t.Errorf("blames %v, want %v: %v", BlameFor(err), c.want, err)
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

// A program that builds need and that PATH lacks is the machine's fault, and is named with its PATH.
func TestToolThatIsMissing(t *testing.T) {
	repo := repository(t)
	for _, c := range []struct {
		missing, command string
		there            []string
	}{
		{"go", "", []string{"git", "sh"}},
		{"git", "", []string{"go", "sh"}},
		{"sh", "true", []string{"go", "git"}},
		{"git", "true", []string{"sh"}},
	} {
		t.Run(c.missing+" beside "+strings.Join(c.there, ", "), func(t *testing.T) {
			path := t.TempDir()
			for _, tool := range c.there {
				program, err := exec.LookPath(tool)
				if err == nil {
					err = os.Symlink(program, filepath.Join(path, tool))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			r := request(repo, "one", "two")
			r.Command = c.command
			t.Setenv("PATH", path)
			_, err := r.Build(t.Context())
			if want := c.missing + " is not in PATH (" + path + ")"; BlameFor(err) != Machine || !strings.Contains(err.Error(), want) {
				t.Errorf("blames %v, want %q: %v", BlameFor(err), want, err)
			}
		})
	}
}

// An interrupted build is nobody's fault, though its programs were killed.
func TestInterruptedBuild(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.Canceled, errors.New("the time is over")} {
		t.Run(cause.Error(), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			r := request(repository(t), "one", "two")
			r.Command = "sleep 3000"
			r.Log = onWrite(func() { cancel(cause) })
			if _, err := r.Build(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || BlameFor(err) != Nobody {
				t.Error(err)
			}
		})
	}
}

// onWrite is a writer that calls a function.
type onWrite func()

func (f onWrite) Write(b []byte) (int, error) {
	f()
	return len(b), nil
}

// A build sees nothing of the hook, the make and the Go workspace that the gate was started from.
func TestBuildSurroundings(t *testing.T) {
	r := request(repository(t), "one", "two")
	for name, value := range map[string]string{
		"GIT_DIR": t.TempDir() + "/nosuch", "GIT_WORK_TREE": t.TempDir() + "/nosuch", "GIT_INDEX_FILE": t.TempDir() + "/nosuch", "GIT_PREFIX": "x", "MAKEFLAGS": "-n", "MAKELEVEL": "3", "GOWORK": t.TempDir() + "/nosuch/go.work", "PWD": t.TempDir() + "/nosuch",
	} {
		t.Setenv(name, value)
	}
	r.Command = `! env | grep -E "^(GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX)|MAKE|GOWORK)" && test "$PWD" = "$(pwd -P)" && git describe --tags`
	b, err := r.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(); err != nil {
		t.Error(err)
	}
}

// A program that a build leaves running does not keep the gate waiting.
func TestBuildThatLeavesAProgram(t *testing.T) {
	t.Parallel()
	r := request(repository(t), "one", "two")
	r.Command, r.Layouts = "sleep 3000 & setsid sleep 3000 & true", 1
	b, err := r.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(); err != nil {
		t.Error(err)
	}
}

// What is not committed is not measured, and is named if the user may think that it is.
func TestUncommittedIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, head string
		edit, said bool
	}{{"edited", "HEAD", true, true}, {"its name", "broken", true, true}, {"clean", "HEAD", false, false}, {"another commit", "two", true, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			repo := repository(t)
			if c.edit {
				if err := os.WriteFile(filepath.Join(repo, "tunnel.sh"), []byte("edited"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			r := request(repo, "one", c.head)
			r.Log, r.Command, r.Layouts = &log, "true", 1
			b, err := r.Build(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = b.Remove() }()
			if said := strings.HasPrefix(log.String(), `not measured: 1 files that are changed and not committed, "tunnel.sh" among them`); said != c.said {
				t.Errorf("said %q", log.String())
			}
		})
	}
}
