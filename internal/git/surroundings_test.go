package git

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The caller's environment, configuration, hooks, templates and programs have no part in a checkout,
// and his repository stays as it is.
func TestCallersSurroundings(t *testing.T) {
	dir, other, home := t.TempDir(), t.TempDir(), t.TempDir()
	twoCommits(t, dir)
	commit(t, other, files{"other": ""})
	worktree := filepath.Join(t.TempDir(), "linked")
	user(t, dir, "worktree", "add", "--quiet", "-b", "linked", worktree)
	trace := filepath.Join(home, "trace")
	program := filepath.Join(home, "program")
	write(t, program, "#!/bin/sh\necho $0 $* >>"+trace+"\ncat\n")
	for _, hook := range []string{"post-checkout", "reference-transaction", "post-index-change"} {
		write(t, filepath.Join(dir, ".git", "hooks", hook), "#!/bin/sh\necho "+hook+" >>"+trace+"\n")
		write(t, filepath.Join(home, "template", "hooks", hook), "#!/bin/sh\necho template "+hook+" >>"+trace+"\n")
	}
	write(t, filepath.Join(home, "attributes"), "* filter=f\n")
	write(t, filepath.Join(home, ".gitconfig"), "[init]\n\ttemplateDir = "+filepath.Join(home, "template")+"\n\tdefaultObjectFormat = sha256\n"+
		"[core]\n\tattributesFile = "+filepath.Join(home, "attributes")+"\n\tfsmonitor = "+program+"\n\tautocrlf = true\n\thooksPath = "+filepath.Join(home, "template", "hooks")+
		"\n[filter \"f\"]\n\tsmudge = "+program+"\n\tclean = "+program+"\n\trequired\n[checkout]\n\tdefaultRemote = x\n[status]\n\tshowUntrackedFiles = no\n")
	user(t, dir, "config", "core.fsmonitor", program)
	gitDir := user(t, worktree, "rev-parse", "--absolute-git-dir")
	before := state(t, dir, worktree)
	for _, c := range []struct {
		name string
		env  map[string]string
	}{
		{"a hook of a linked worktree", map[string]string{"GIT_DIR": gitDir, "GIT_INDEX_FILE": filepath.Join(gitDir, "index"), "GIT_WORK_TREE": worktree, "GIT_PREFIX": "", "GIT_EDITOR": ":"}},
		{"a commit of some files", map[string]string{"GIT_INDEX_FILE": filepath.Join(gitDir, "next-index-1.lock")}},
		{"another repository", map[string]string{"GIT_DIR": filepath.Join(other, ".git"), "GIT_COMMON_DIR": filepath.Join(other, ".git"), "GIT_OBJECT_DIRECTORY": filepath.Join(other, ".git/objects")}},
		{"a push in quarantine", map[string]string{"GIT_QUARANTINE_PATH": other, "GIT_OBJECT_DIRECTORY": other, "GIT_ALTERNATE_OBJECT_DIRECTORIES": other}},
		{"ceilings and namespaces", map[string]string{"GIT_CEILING_DIRECTORIES": filepath.Dir(worktree), "GIT_NAMESPACE": "n", "GIT_SHALLOW_FILE": program, "GIT_GRAFT_FILE": program}},
		{"options of the command line", map[string]string{"GIT_CONFIG_PARAMETERS": "'core.bare=true' 'core.worktree=/'", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "true"}},
		{"defaults", map[string]string{"GIT_DEFAULT_HASH": "sha256", "GIT_TEMPLATE_DIR": filepath.Join(home, "template"), "GIT_ATTR_SOURCE": "one", "GIT_LITERAL_PATHSPECS": "1"}},
		{"programs", map[string]string{"GIT_EXEC_PATH": home, "GIT_EXTERNAL_DIFF": program, "GIT_PAGER": program, "GIT_ASKPASS": program, "GIT_TRACE": trace}},
		{"configuration", map[string]string{"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_GLOBAL": filepath.Join(home, ".gitconfig"), "GIT_CONFIG_SYSTEM": filepath.Join(home, ".gitconfig")}},
		{"another language", map[string]string{"LANGUAGE": "de", "LC_ALL": "de_DE.UTF-8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			got, err := checkOut(t, worktree, "HEAD~1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(files{"a/b": "one", "c": "c"}, got); diff != "" {
				t.Error(diff)
			}
			if ran, err := os.ReadFile(trace); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("ran %s", ran)
			}
			if diff := cmp.Diff(before, state(t, dir, worktree)); diff != "" {
				t.Errorf("the user's repository changed: %s", diff)
			}
		})
	}
}

// state returns all files of directories, those of git included.
func state(t *testing.T, dirs ...string) files {
	t.Helper()
	all := files{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			all[path] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestClean(t *testing.T) {
	t.Parallel()
	env := []string{"PATH=/bin", "GIT_DIR=/x", "GIT_SSH_COMMAND=ssh", "GIT_INDEX_FILE=i", "GIT_CONFIG_PARAMETERS=x", "GIT_CONFIG_COUNT=0", "GITHUB_SHA=1"}
	want := []string{"PATH=/bin", "GIT_SSH_COMMAND=ssh", "GIT_CONFIG_COUNT=0", "GITHUB_SHA=1"}
	if diff := cmp.Diff(want, Clean(env)); diff != "" {
		t.Error(diff)
	}
}

// withSubmodules makes a repository whose submodule sub has one of its own, and returns a checkout.
func withSubmodules(t *testing.T, clone ...string) string {
	t.Helper()
	inner, sub, outer, dir := t.TempDir(), t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "clone")
	commit(t, inner, files{"i": "inner"})
	commit(t, sub, files{"s": "sub"})
	user(t, sub, "submodule", "--quiet", "add", inner, "deep/inner")
	commit(t, sub, nil)
	commit(t, outer, files{"o": "outer"})
	user(t, outer, "submodule", "--quiet", "add", "--name", "another name", sub, "sub")
	commit(t, outer, nil)
	user(t, filepath.Dir(dir), append(append([]string{"clone", "--quiet"}, clone...), outer, dir)...)
	return dir
}

func TestSubmodules(t *testing.T) {
	t.Parallel()
	t.Run("checked out", func(t *testing.T) {
		t.Parallel()
		got, err := checkOut(t, withSubmodules(t, "--recurse-submodules"), "HEAD")
		if err != nil {
			t.Fatal(err)
		}
		delete(got, ".gitmodules")
		delete(got, "sub/.gitmodules")
		if diff := cmp.Diff(files{"o": "outer", "sub/s": "sub", "sub/deep/inner/i": "inner"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("taken out of the work tree", func(t *testing.T) {
		t.Parallel()
		dir := withSubmodules(t, "--recurse-submodules")
		user(t, dir, "submodule", "--quiet", "deinit", "--all", "--force")
		if got, err := checkOut(t, dir, "HEAD"); err != nil || got["sub/s"] != "sub" {
			t.Errorf("%v, %v", got, err)
		}
	})
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"not there": func(*testing.T, string) {},
		"without a name": func(t *testing.T, dir string) {
			user(t, dir, "rm", "--quiet", "--cached", ".gitmodules")
			user(t, dir, "commit", "--quiet", "--message=x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := withSubmodules(t)
			prepare(t, dir)
			_, err := checkOut(t, dir, "HEAD")
			if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "git submodule update --init --recursive") {
				t.Error(err)
			}
		})
	}
}

// Files of Git LFS are filled from the clone's store, or refused.
func TestLFS(t *testing.T) {
	t.Parallel()
	const text = "large\n"
	dir, real := t.TempDir(), hex.EncodeToString(hashOf([]byte(text)))
	commit(t, dir, files{
		".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "empty.bin": "", "text.bin": "no pointer\n",
		"a.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:" + real + "\nsize 6\n",
	})
	if _, err := checkOut(t, dir, "HEAD"); !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "lfs fetch") {
		t.Errorf("not fetched: %v", err)
	}
	write(t, filepath.Join(dir, ".git", "lfs", "objects", real[:2], real[2:4], real), text)
	if got, err := checkOut(t, dir, "HEAD"); err != nil || got["a.bin"] != text || got["text.bin"] != "no pointer\n" {
		t.Errorf("%v, %v", got, err)
	}
	write(t, filepath.Join(dir, ".git", "lfs", "objects", real[:2], real[2:4], real), "torn")
	if _, err := checkOut(t, dir, "HEAD"); !errors.Is(err, ErrIncomplete) {
		t.Errorf("a torn file: %v", err)
	}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	twoCommits(t, dir)
	user(t, dir, "checkout", "--quiet", "-b", "side", "one")
	side := commit(t, dir, files{"d": "d"})
	last := commit(t, dir, files{"e": "e"})
	r, err := Open(t.Context(), dir, filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Between(t.Context(), "main", "side")
	slices.Sort(got)
	want := []string{side, last}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
