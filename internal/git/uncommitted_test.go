package git

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	osuser "os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUncommitted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(t *testing.T, dir string)
		n      int
		first  string
	}{
		{"nothing", func(*testing.T, string) {}, 0, ""},
		{"edited", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "c"), "edited") }, 1, "c"},
		{"staged", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "c"), "x"); user(t, dir, "add", ".") }, 1, "c"},
		{"new", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "new file"), "") }, 1, "new file"},
		{"results of an earlier gate", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "out/gate/gate.md"), "") }, 0, ""},
		{"removed", func(t *testing.T, dir string) { user(t, dir, "rm", "--quiet", "-r", "a") }, 1, "a/b"},
		{"moved", func(t *testing.T, dir string) { user(t, dir, "mv", "c", "d") }, 2, "c"},
		{"ignored", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, ".git/info/exclude"), "out\n")
			write(t, filepath.Join(dir, "out"), "")
		}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			twoCommits(t, dir)
			c.change(t, dir)
			before := state(t, dir)
			r, err := Open(t.Context(), dir, filepath.Join(t.TempDir(), "home"))
			if err != nil {
				t.Fatal(err)
			}
			n, first, err := r.Uncommitted(t.Context())
			if err != nil || n != c.n || first != c.first {
				t.Errorf("%d, %q, %v; want %d, %q", n, first, err, c.n, c.first)
			}
			if diff := cmp.Diff(before, state(t, dir)); diff != "" {
				t.Errorf("the user's repository changed: %s", diff)
			}
		})
	}
}

// What the user's own git ignores is not counted, wherever he says so.
func TestUncommittedAsTheUserSeesIt(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    files // below the user's home
		env      map[string]string
		ownRules string // core.excludesFile of the repository
		n        int
	}{
		{name: "no rules", n: 1},
		{name: "core.excludesFile", files: files{".gitconfig": "[core]\n\texcludesFile = ~/rules\n", "rules": "*.tmp\n"}},
		{name: "the repository has its own", files: files{".gitconfig": "[core]\n\texcludesFile = ~/rules\n", "rules": "*.tmp\n"}, ownRules: "/dev/null", n: 1},
		{name: "configuration in the newer place", files: files{".config/git/config": "[core]\n\texcludesFile = ~/rules\n", "rules": "*.tmp\n"}},
		{name: "included", files: files{".gitconfig": "[include]\n\tpath = more\n", "more": "[core]\n\texcludesFile = ~/rules\n", "rules": "*.tmp\n"}},
		{name: "the file is gone", files: files{".gitconfig": "[core]\n\texcludesFile = ~/rules\n"}, n: 1},
		{name: "the default place", files: files{".config/git/ignore": "*.tmp\n"}},
		{name: "XDG_CONFIG_HOME", files: files{"elsewhere/git/ignore": "*.tmp\n"}, env: map[string]string{"XDG_CONFIG_HOME": "elsewhere"}},
		{name: "GIT_CONFIG_GLOBAL", files: files{"g": "[core]\n\texcludesFile = ~/rules\n", "rules": "*.tmp\n"}, env: map[string]string{"GIT_CONFIG_GLOBAL": "g"}},
		{name: "not to be seen, but not measured", files: files{".gitconfig": "[status]\n\tshowUntrackedFiles = no\n"}, n: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			home, dir := t.TempDir(), t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("XDG_CONFIG_HOME", "")
			t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			for name, value := range c.env {
				t.Setenv(name, filepath.Join(home, value))
			}
			for name, text := range c.files {
				write(t, filepath.Join(home, name), text)
			}
			twoCommits(t, dir)
			if c.ownRules != "" {
				user(t, dir, "config", "core.excludesFile", c.ownRules)
			}
			write(t, filepath.Join(dir, "x.tmp"), "")
			r, err := Open(t.Context(), dir, filepath.Join(t.TempDir(), "home"))
			if err != nil {
				t.Fatal(err)
			}
			if n, first, err := r.Uncommitted(t.Context()); err != nil || n != c.n {
				t.Errorf("%d, %q, %v; want %d", n, first, err, c.n)
			}
		})
	}
}

// A file of Git LFS is the one that its pointer stands for, or changed.
func TestUncommittedLFS(t *testing.T) {
	t.Parallel()
	const text = "large\n"
	for _, c := range []struct {
		name, now string
		n         int
	}{{"the file", text, 0}, {"another one", "LARGE\n", 1}, {"longer", text + text, 1}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			commit(t, dir, files{
				".gitattributes": "*.bin filter=lfs -text\n",
				"a/b.bin":        "version https://git-lfs.github.com/spec/v1\noid sha256:" + hex.EncodeToString(hashOf([]byte(text))) + "\nsize 6\n",
			})
			write(t, filepath.Join(dir, "a/b.bin"), c.now)
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(dir, "a/b.bin"), later, later); err != nil {
				t.Fatal(err)
			}
			r, err := Open(t.Context(), filepath.Join(dir, "a"), filepath.Join(t.TempDir(), "home"))
			if err != nil {
				t.Fatal(err)
			}
			if n, first, err := r.Uncommitted(t.Context()); err != nil || n != c.n {
				t.Errorf("%d, %q, %v; want %d", n, first, err, c.n)
			}
		})
	}
}

// Many files of Git LFS take no longer than a few programs; those with other contents are found among them.
func TestUncommittedManyLFS(t *testing.T) {
	t.Parallel()
	dir, all, later := t.TempDir(), files{".gitattributes": "*.bin filter=lfs -text\n"}, time.Now().Add(time.Hour)
	for i := range 300 {
		text := fmt.Sprintf("large %d\n", i)
		all[fmt.Sprintf("a/%03d.bin", i)] = "version https://git-lfs.github.com/spec/v1\noid sha256:" + hex.EncodeToString(hashOf([]byte(text))) + "\nsize 6\n"
	}
	commit(t, dir, all)
	for i := range 300 {
		path, text := filepath.Join(dir, fmt.Sprintf("a/%03d.bin", i)), fmt.Sprintf("large %d\n", i)
		if i == 7 || i == 200 {
			text = "changed"
		}
		write(t, path, text)
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(t.Context(), dir, filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	if n, first, err := r.Uncommitted(t.Context()); err != nil || n != 2 || first != "a/007.bin" {
		t.Errorf("%d, %q, %v; want 2, the first of them a/007.bin", n, first, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.Uncommitted(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// Root by sudo has the home of the user who called it.
func TestUserHome(t *testing.T) {
	root, err := osuser.LookupId("0")
	if err != nil {
		t.Fatal(err)
	}
	other, err := osuser.LookupId("1") // daemon, on all systems
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, home, sudo, want string }{
		{"a user", "/home/a", "", "/home/a"},
		{"root", root.HomeDir, "", root.HomeDir},
		{"by sudo", root.HomeDir, "1", other.HomeDir},
		{"by sudo, which keeps the home", "/home/a", "1", "/home/a"},
		{"by sudo of nobody", root.HomeDir, "4000000000", root.HomeDir},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("HOME", c.home)
			t.Setenv("SUDO_UID", c.sudo)
			if diff := cmp.Diff(c.want, userHome()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
