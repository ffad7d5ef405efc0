package tempdir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// make with what the name of the folder, or the folder itself, allows.
func TestMake(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "tb") // short, unlike t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ tmpdir, want string }{
		"fine":     {dir, ""},
		"missing":  {dir + "/nosuch", "does not exist: make it"},
		"relative": {"tmp", "is relative"},
		"a file":   {file, "is not a folder"},
		"below it": {file + "/x", "not a directory"},
		"colon":    {dir + "/a:b", "has a space, or one of"},
		"space":    {dir + "/a b", "has a space, or one of"},
		"new line": {dir + "/a\nb", "has a space, or one of"},
		"too long": {dir + strings.Repeat("/long", 20), "72 at most"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", c.tmpdir)
			expect(t, Check(), c.want)
		})
	}
}

// Mounts decide, too: also for root.
func TestMakeOnMounts(t *testing.T) {
	testenv.NetAdmin(t)
	for name, c := range map[string]struct {
		flags         uintptr
		options       string
		plain, forExe string
	}{
		"fine":      {0, "size=4m", "", ""},
		"noexec":    {syscall.MS_NOEXEC, "size=4m", "", "is mounted noexec"},
		"read-only": {syscall.MS_RDONLY, "size=4m", "is read-only", "is read-only"},
		"full":      {0, "size=64k", "is full", "is full"},
		"no inodes": {0, "nr_inodes=1", "is full", "is full"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/tmp", "tb")
			if err == nil {
				err = syscall.Mount("none", dir, "tmpfs", c.flags, c.options)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := errors.Join(syscall.Unmount(dir, 0), os.Remove(dir)); err != nil {
					t.Error(err)
				}
			}()
			t.Setenv("TMPDIR", dir)
			expect(t, Check(), c.plain)
			made, err := MakeForPrograms("x")
			expect(t, err, c.forExe)
			left, _ := filepath.Glob(dir + "/*")
			if len(left) > 0 && (err != nil || len(left) > 1 || left[0] != made) {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// expect checks that an error of a machine that cannot do it has this text; empty: no error.
func expect(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want one line with %q", err, want)
	}
}
