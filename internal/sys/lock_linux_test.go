package sys

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

func TestFlockNamesItsHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	one, err1 := os.Open(path)
	two, err2 := os.Open(path)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	defer two.Close()
	if pid, err := FlockHolder(two); pid != 0 || err != nil {
		t.Errorf("held by %d, %v before it is locked", pid, err)
	}
	if err := Flock(one); err != nil {
		t.Fatal(err)
	}
	pid, err := FlockHolder(two)
	if pid != os.Getpid() || err != nil || !errors.Is(Flock(two), unix.EWOULDBLOCK) {
		t.Errorf("held by %d, %v, want %d", pid, err, os.Getpid())
	}
}

func TestFlockHolderReadsProcLocks(t *testing.T) {
	t.Parallel()
	const locks = `1: FLOCK  ADVISORY  WRITE 31875 00:06:5 0 EOF
2: POSIX  ADVISORY  WRITE 7 00:06:6 0 EOF
2: -> FLOCK  ADVISORY  WRITE 9 00:06:7 0 EOF
3: FLOCK  ADVISORY  WRITE -1 00:06:8 0 EOF
short
`
	for name, want := range map[string]int{"00:06:5": 31875, "00:06:6": 0, "00:06:7": 0, "00:06:8": 0, "00:06:9": 0} {
		if got := flockHolder(locks, name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// Two views of the device file system are one directory, so that a lock of it holds in all mount
// namespaces.
func TestDevicesAreOne(t *testing.T) {
	testenv.NetAdmin(t)
	one, err1 := OpenDevices()
	two, err2 := OpenDevices()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	defer two.Close()
	a, err1 := one.Stat()
	b, err2 := two.Stat()
	if err := errors.Join(err1, err2); err != nil || !os.SameFile(a, b) {
		t.Errorf("%v and %v are different, %v", a, b, err)
	}
}
