package revision

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/git"
)

// repository creates a repository with three commits: the tags one and two, whose programs differ,
// and broken, which does not build.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	git("init", "--quiet")
	for _, c := range []struct{ tag, build string }{
		{"one", "echo 1 $TB_LAYOUT >program"}, {"two", "echo 2 $TB_LAYOUT >program"}, {"broken", "echo no compiler; exit 1"},
	} {
		for name, text := range map[string]string{"build.sh": c.build, "tunnel.sh": "#!/bin/sh\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		git("add", ".")
		git("commit", "--quiet", "-m", c.tag)
		git("tag", c.tag)
	}
	return dir
}

// request returns a request for an exec device in two layouts.
func request(repo, base, head string) Request {
	return Request{Repo: repo, Base: base, Head: head, Device: "exec:./tunnel.sh", Command: "sh build.sh", Layouts: 2, Log: io.Discard}
}

// hashes returns the hashes of a side's builds.
func hashes(s *Side) (all []string) {
	for _, b := range s.Builds {
		all = append(all, b.SHA256)
	}
	return all
}

func TestBuild(t *testing.T) {
	repo := repository(t)
	for _, c := range []struct {
		name, base, head string
		layouts          []int // layouts of the head
		same             bool
	}{
		{"a change", "one", "two", []int{0, 1}, false},
		{"equal sources make equal builds", "two", "two", []int{0, 1}, true},
		{"against itself only the layouts differ", "", "two", []int{2, 3}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, err := request(repo, c.base, c.head).Build(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var layouts []int
			for i, build := range b.Head.Builds {
				layouts = append(layouts, build.Layout)
				if build.Octets != 0 || b.Base.Builds[i].Layout != i {
					t.Errorf("build %d: %+v, %+v", i, b.Base.Builds[i], build)
				}
			}
			if diff := cmp.Diff(c.layouts, layouts); diff != "" {
				t.Error(diff)
			}
			if same := cmp.Equal(hashes(b.Base), hashes(b.Head)); same != c.same {
				t.Errorf("the same builds: %v, want %v", same, c.same)
			}
			if len(b.Base.Devices) != 2 || len(b.Head.Devices) != 2 || len(b.Head.Commit) != 40 {
				t.Errorf("%+v\n%+v", b.Base, b.Head)
			}
			if err := b.Remove(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(b.dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the builds are left: %v", err)
			}
		})
	}
}

// One layout shows that both sides are the same, where that is all to be known.
func TestSameBinariesAreBuiltOnce(t *testing.T) {
	repo := repository(t)
	for _, c := range []struct {
		name, base, head string
		one              bool
		builds           int
	}{
		{"a change", "one", "two", true, 3},
		{"none", "two", "two", true, 1},
		{"none, and all are wanted", "two", "two", false, 3},
		{"against itself", "", "two", true, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := request(repo, c.base, c.head)
			r.OneOfSame, r.Layouts = c.one, 3
			b, err := r.Build(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = b.Remove() }()
			if diff := cmp.Diff([]int{c.builds, c.builds}, []int{len(b.Base.Builds), len(b.Head.Builds)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A request that cannot be built leaves no files, and its error names the side at fault.
func TestBuildFails(t *testing.T) {
	repo := repository(t)
	t.Setenv("TMPDIR", t.TempDir())
	for _, c := range []struct {
		name    string
		request Request
		want    error
	}{
		{"no repository", request("/", "one", "two"), git.ErrNoRepository},
		{"no such base", request(repo, "nosuch", "two"), git.ErrUnknown},
		{"an option for a head", request(repo, "one", "--all"), git.ErrUnknown},
		{"the head does not build", request(repo, "one", "broken"), BuildError{Side: gate.HeadSide}},
		{"the base does not build", request(repo, "broken", "two"), BuildError{Side: gate.BaseSide}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := c.request.Build(context.Background())
			var got BuildError
			if errors.As(err, &got) {
				err = BuildError{Side: got.Side}
			}
			if b != nil || !errors.Is(err, c.want) {
				t.Errorf("%v, %v; want %v", b, err, c.want)
			}
			if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) > 0 {
				t.Errorf("left %q, %v", left, err)
			}
		})
	}
}

// The log names each build, beginning with the head, which is more likely to fail.
func TestBuildLog(t *testing.T) {
	var log bytes.Buffer
	r := request(repository(t), "one", "two")
	r.Layouts, r.Log = 1, &log
	b, err := r.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Remove()
	want := "building head " + b.Head.Commit[:12] + ", layout 0 (1 of 1)\nbuilding base " + b.Base.Commit[:12] + ", layout 0 (1 of 1)\n"
	if diff := cmp.Diff(want, log.String()); diff != "" {
		t.Error(diff)
	}
}

// A build by root leaves nothing of its go below the user's home.
func TestBuildsLeaveHomeAlone(t *testing.T) {
	repo, home := repository(t), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	r := request(repo, "one", "two")
	r.Command = "go version && go env GOROOT"
	b, err := r.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(); err != nil {
		t.Error(err)
	}
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != home {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
