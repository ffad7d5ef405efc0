package git

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// user runs git as a user without any configuration.
func user(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(Clean(os.Environ()), "HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		t.Fatal(err)
	}
}

// files are the contents of a tree's files by path.
type files = map[string]string

// commit commits files, in a new repository if there is none, and returns the commit.
func commit(t *testing.T, dir string, tree files, init ...string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		write(t, filepath.Join(dir, "x"), "")
		user(t, dir, append([]string{"init", "--quiet", "--initial-branch=main"}, init...)...)
		user(t, dir, "config", "uploadpack.allowFilter", "true")
		user(t, dir, "config", "uploadpack.allowAnySHA1InWant", "true")
		if err := os.Remove(filepath.Join(dir, "x")); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range tree {
		write(t, filepath.Join(dir, name), text)
	}
	user(t, dir, "add", ".")
	user(t, dir, "commit", "--quiet", "--message=x")
	return user(t, dir, "rev-parse", "HEAD")
}

// twoCommits makes a repository with two commits, with the file a/b of "one" and of "two".
func twoCommits(t *testing.T, dir string, init ...string) {
	t.Helper()
	commit(t, dir, files{"a/b": "one", "c": "c"}, init...)
	user(t, dir, "tag", "one")
	commit(t, dir, files{"a/b": "two"})
}

// read returns the files of a tree.
func read(t *testing.T, tree string) files {
	t.Helper()
	all := files{}
	err := filepath.WalkDir(tree, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(tree, path)
		all[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkOut checks a revision of a repository out.
func checkOut(t *testing.T, dir, revision string) (files, error) {
	t.Helper()
	scratch := t.TempDir()
	r, err := Open(t.Context(), dir, filepath.Join(scratch, "home"))
	if err != nil {
		return nil, err
	}
	name, err := r.Resolve(t.Context(), revision)
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(scratch, "tree")
	if err := r.CheckOut(t.Context(), name, tree); err != nil {
		return nil, err
	}
	if described := user(t, tree, "rev-parse", "HEAD"); described != name {
		t.Errorf("the tree is at %s, want %s", described, name)
	}
	return read(t, tree), nil
}

// Whatever kind of repository it is: a revision's tree is whole, or the error names the cause and
// the mend. Its path has all that a path may have.
func TestKindsOfRepositories(t *testing.T) {
	t.Parallel()
	one := files{"a/b": "one", "c": "c"}
	for _, c := range []struct {
		name string
		make func(t *testing.T, origin, dir string) // from a repository with two commits
		head string
		want files
		err  error
		mend string
	}{
		{name: "whole", make: cloned(), head: "HEAD~1", want: one},
		{name: "shallow", make: cloned("--depth=1"), head: "HEAD", want: files{"a/b": "two", "c": "c"}},
		{name: "shallow, beyond its depth", make: cloned("--depth=1"), head: "HEAD~1", err: ErrUnknown, mend: "git fetch --unshallow"},
		{name: "shallow, a second one fetched", head: "FETCH_HEAD", want: one, make: func(t *testing.T, origin, dir string) {
			cloned("--depth=1")(t, origin, dir)
			user(t, dir, "fetch", "--quiet", "--depth=1", "origin", "refs/tags/one")
		}},
		{name: "blobless", make: cloned("--filter=blob:none"), head: "HEAD", want: files{"a/b": "two", "c": "c"}},
		{name: "blobless, files missing", make: cloned("--filter=blob:none"), head: "HEAD~1", err: ErrIncomplete, mend: "archive --output=/dev/null"},
		{name: "treeless, trees missing", make: cloned("--filter=tree:0"), head: "HEAD~1", err: ErrIncomplete, mend: "archive --output=/dev/null"},
		{name: "blobless, mended", head: "HEAD~1", want: one, make: func(t *testing.T, origin, dir string) {
			cloned("--filter=tree:0")(t, origin, dir)
			user(t, dir, "archive", "--output=/dev/null", "HEAD~1")
		}},
		{name: "sparse", head: "HEAD~1", want: one, make: func(t *testing.T, origin, dir string) {
			cloned()(t, origin, dir)
			user(t, dir, "sparse-checkout", "set", "--no-cone", "c")
		}},
		{name: "bare", make: cloned("--bare"), head: "main~1", want: one},
		{name: "borrowing", make: cloned("--shared"), head: "HEAD~1", want: one},
		{name: "a linked worktree", head: "HEAD", want: one, make: func(t *testing.T, origin, dir string) {
			user(t, origin, "worktree", "add", "--quiet", "--detach", dir, "one")
		}},
		{name: "of SHA-256", head: "HEAD~1", want: one, make: func(t *testing.T, _, dir string) { twoCommits(t, dir, "--object-format=sha256") }},
		{name: "damaged", head: "HEAD~1", err: ErrIncomplete, mend: "fsck", make: func(t *testing.T, _, dir string) {
			twoCommits(t, dir)
			object := user(t, dir, "rev-parse", "one:a/b")
			if err := os.Remove(filepath.Join(dir, ".git", "objects", object[:2], object[2:])); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "without a commit", head: "HEAD", err: ErrUnknown, mend: "commit first", make: func(t *testing.T, _, dir string) {
			user(t, filepath.Dir(dir), "init", "--quiet", dir)
		}},
		{name: "none", head: "HEAD", err: ErrNoRepository, make: func(t *testing.T, _, dir string) { write(t, filepath.Join(dir, "x"), "") }},
		{name: "no directory", head: "HEAD", err: ErrNoRepository, make: func(*testing.T, string, string) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin, dir := filepath.Join(t.TempDir(), "origin"), filepath.Join(t.TempDir(), "-a: b\n\"c\\")
			twoCommits(t, origin)
			c.make(t, origin, dir)
			got, err := checkOut(t, dir, c.head)
			if !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), c.mend) {
				t.Fatalf("%v, want %v and %q", err, c.err, c.mend)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// cloned returns a function that clones with options.
func cloned(options ...string) func(t *testing.T, origin, dir string) {
	return func(t *testing.T, origin, dir string) {
		t.Helper()
		url := "file://" + origin
		if len(options) > 0 && options[0] == "--shared" {
			url = origin
		}
		user(t, filepath.Dir(dir), append(append([]string{"clone", "--quiet"}, options...), "--", url, dir)...)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	twoCommits(t, dir)
	head, one := user(t, dir, "rev-parse", "HEAD"), user(t, dir, "rev-parse", "one")
	write(t, filepath.Join(dir, "file"), "")
	write(t, filepath.Join(dir, "one"), "") // a file of a tag's name
	user(t, dir, "tag", "--annotate", "--message=x", "annotated", "one")
	user(t, dir, "update-ref", "refs/heads/-x", "one")
	user(t, dir, "update-ref", "refs/heads/HEAD", "one")
	r, err := Open(t.Context(), dir, filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	for revision, want := range map[string]string{
		"HEAD": head, "main": head, "HEAD^": one, "one": one, "annotated": one, "-x": one, head[:10]: head, "refs/heads/HEAD": one,
		"": "", "nosuch": "", "file": "", "--all": "", "--": "", "-n1": "", "HEAD..one": "", "^one": "", "HEAD^{tree}": "", "HEAD:c": "", "@{9999}": "",
		strings.Repeat("0", 39) + "1": "", "one\nHEAD": "", "HEAD --all": "",
	} {
		t.Run(revision, func(t *testing.T) {
			t.Parallel()
			got, err := r.Resolve(t.Context(), revision)
			if got != want || want == "" && !errors.Is(err, ErrUnknown) {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		})
	}
}
