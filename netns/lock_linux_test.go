package netns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testLock(t *testing.T) string { return fmt.Sprintf("@tb-test-%d-%s", os.Getpid(), t.Name()) }

func TestLockNamesItsHolder(t *testing.T) {
	p := testPlaces(testLock(t))
	held := must[*Held](t)(p.lock(t.Context(), false))
	_, err := p.lock(t.Context(), false)
	want := fmt.Sprintf("another lab is running (pid %d: %s): wait for it, or pass --wait", os.Getpid(), commandLine(os.Getpid()))
	if !errors.Is(err, ErrLocked) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	must[*Held](t)(p.lock(t.Context(), false)).Close()
}

func TestLockWaits(t *testing.T) {
	p := testPlaces(testLock(t))
	held := must[*Held](t)(p.lock(t.Context(), false))
	type outcome struct {
		held *Held
		err  error
	}
	got := make(chan outcome, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() {
		h, err := p.lock(ctx, true)
		got <- outcome{h, err}
	}()
	select {
	case o := <-got:
		t.Fatalf("did not wait: %v", o.err)
	case <-time.After(30 * time.Millisecond):
	}
	held.Close()
	o := <-got
	if o.err != nil {
		t.Fatal(o.err)
	}
	o.held.Close()
}

func TestLockWaitEndsWithContext(t *testing.T) {
	p := testPlaces(testLock(t))
	held := must[*Held](t)(p.lock(t.Context(), false))
	defer held.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.lock(ctx, true); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want the context's error", err)
	}
}

// testPlaces returns places of a lock that no lab uses: a socket alone, as on a machine without a
// device file system and with a read-only /run.
func testPlaces(socket string) lockPlaces {
	return lockPlaces{
		devices: func() (*os.File, error) { return nil, syscall.EPERM },
		files:   []string{"/proc/tunnelbench.lock", "/sys/tunnelbench.lock"}, socket: socket,
	}
}

// Each place alone keeps a second lab out, whichever of the others the two do not share.
func TestLockHoldsInEachPlace(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "lock")
	for name, share := range map[string]func(p *lockPlaces){
		"devices": func(p *lockPlaces) { p.devices = func() (*os.File, error) { return os.Open(dir) } },
		"file":    func(p *lockPlaces) { p.files = []string{file} },
		"second":  func(p *lockPlaces) { p.files = []string{"/nosuch/lock", file} },
		"socket":  func(p *lockPlaces) { p.socket = testLock(t) },
	} {
		t.Run(name, func(t *testing.T) {
			one, two := testPlaces(testLock(t)+"1"), testPlaces(testLock(t)+"2")
			share(&one)
			share(&two)
			held := must[*Held](t)(one.lock(t.Context(), false))
			_, err := two.lock(t.Context(), false)
			want := LockedError{PID: os.Getpid(), Command: commandLine(os.Getpid())}
			var got LockedError
			if !errors.As(err, &got) || got != want {
				t.Errorf("%v, want %v", err, want)
			}
			if err := held.Close(); err != nil {
				t.Fatal(err)
			}
			must[*Held](t)(two.lock(t.Context(), false)).Close()
		})
	}
}

// Whatever stands where the lock file belongs, a lab starts, and a second one does not.
func TestLockFileInHostileSurroundings(t *testing.T) {
	for name, prepare := range map[string]func(path string) error{
		"stale":     func(path string) error { return os.WriteFile(path, []byte("1 tunnelbench run\x1b[2J\n"), 0o600) },
		"no access": func(path string) error { return os.WriteFile(path, nil, 0) },
		"directory": func(path string) error { return os.Mkdir(path, 0o755) },
		"dangling":  func(path string) error { return os.Symlink("/nosuch", path) },
		"symlink":   func(path string) error { return os.Symlink("/etc/passwd", path) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"no folder": func(path string) error { return os.Remove(filepath.Dir(path)) },
		"read-only": func(path string) error { return os.Chmod(filepath.Dir(path), 0o500) },
		"other owner": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o666), os.Chown(path, 65534, 65534))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lock", "file")
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), prepare(path)); err != nil && !errors.Is(err, os.ErrPermission) {
				t.Fatal(err)
			}
			p := testPlaces(testLock(t))
			p.files = []string{path}
			held := must[*Held](t)(p.lock(t.Context(), false))
			defer held.Close()
			var got LockedError
			if _, err := p.lock(t.Context(), false); !errors.As(err, &got) || got.PID != os.Getpid() || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%v, want that this process holds the lock", err)
			}
		})
	}
}

// A holder of another PID namespace is named by what it wrote into the file.
func TestLockNamesWhatTheFileSays(t *testing.T) {
	p := testPlaces(testLock(t))
	p.files = []string{filepath.Join(t.TempDir(), "lock")}
	if got := p.writtenCommand(); got != "" {
		t.Errorf("%q without a holder", got)
	}
	defer must[*Held](t)(p.lock(t.Context(), false)).Close()
	if diff := cmp.Diff(commandLine(os.Getpid()), p.writtenCommand()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := "another lab is running (in another PID namespace, such as a container's: a b): wait for it, or pass --wait"
	if diff := cmp.Diff(want, LockedError{Command: "a b"}.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLockNeedsOnePlace(t *testing.T) {
	p := testPlaces("/nosuch/socket")
	if _, err := p.lock(t.Context(), true); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v, want unsupported", err)
	}
}
