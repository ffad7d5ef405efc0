package revision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/git"
	"github.com/tunnelbench/tunnelbench/internal/subprocess"
	"github.com/tunnelbench/tunnelbench/internal/tempdir"
)

// Request describes what to build.
type Request struct {
	Repo    string // a directory inside the repository
	Base    string // revision; empty: the head again, in other layouts, so that the sides differ only in their layouts
	Head    string // revision to compare with the base
	Device  string // device spec as given to --dut
	Command string // build command of an exec device in its tree; empty: build this program
	Layouts int    // number of layouts per side
	// OneOfSame says that one layout is enough if both sides have the same binary in it.
	OneOfSame bool
	Log       io.Writer // receives a line for each build
	// OnDir, if set, is called with the directory of the builds before anything is in it, so that
	// somebody else can remove it when this program is killed.
	OnDir func(dir string) error
}

// Builds holds both sides of a gate, in a directory that Remove deletes.
type Builds struct {
	Base, Head *Side
	dir        string
}

// Remove deletes the builds.
func (b *Builds) Remove() error { return os.RemoveAll(b.dir) }

// Build checks out both revisions and builds them. On error it removes everything; Blame says whose
// fault it is.
func (r Request) Build(ctx context.Context) (b *Builds, err error) {
	if err := r.checkTools(); err != nil {
		return nil, err
	}
	dir, err := tempdir.MakeForPrograms("tunnelbench-gate-")
	if err != nil {
		return nil, err
	}
	if r.OnDir != nil {
		if err := r.OnDir(dir); err != nil {
			return nil, errors.Join(err, os.Remove(dir))
		}
	}
	b = &Builds{Base: &Side{Name: gate.BaseSide, Revision: r.Base}, Head: &Side{Name: gate.HeadSide, Revision: r.Head}, dir: dir}
	defer func() {
		if err != nil {
			b, err = nil, errors.Join(err, os.RemoveAll(dir))
		}
	}()
	repo, err := git.Open(ctx, r.Repo, filepath.Join(dir, "home"))
	if err != nil {
		return nil, fmt.Errorf("--repo %w", err)
	}
	shift := 0 // both sides use the same layouts, so that equal sources give equal binaries
	if r.Base == "" {
		b.Base.Revision, shift = r.Head, r.Layouts
	}
	g := builder{Request: r, repo: repo, dir: dir}
	if err := errors.Join(g.resolve(ctx, b.Base), g.resolve(ctx, b.Head)); err != nil {
		return nil, err
	}
	g.sayUncommitted(ctx, b)
	if b.Head.Commits, err = repo.Between(ctx, b.Base.Commit, b.Head.Commit); err != nil {
		return nil, err
	}
	return b, g.makeBoth(ctx, b, layouts(shift, r.Layouts), layouts(0, r.Layouts))
}

// makeBoth builds both sides in their first layouts and then in the others. It begins with the head,
// which is more likely to fail.
func (g builder) makeBoth(ctx context.Context, b *Builds, head, base []int) error {
	if err := g.make(ctx, b.Head, head[:1]); err != nil {
		return g.tryBase(ctx, b, err)
	}
	if err := g.make(ctx, b.Base, base[:1]); err != nil {
		return err
	}
	if g.OneOfSame && b.Head.Builds[0].SHA256 == b.Base.Builds[0].SHA256 {
		return nil
	}
	if err := g.make(ctx, b.Head, head[1:]); err != nil {
		return err
	}
	return g.make(ctx, b.Base, base[1:])
}

// checkTools returns an error if a program that builds need is not here.
func (r Request) checkTools() error {
	tools := []string{"git", "go"}
	if r.Command != "" {
		tools[1] = "sh"
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %s is not in PATH (%s): install it, or with sudo write sudo env \"PATH=$PATH\" tunnelbench gate", ErrMachine, tool, os.Getenv("PATH"))
		}
	}
	return nil
}

// layouts returns n seeds for the link layout, counting from from. Seed 0 is the linker's default
// layout.
func layouts(from, n int) (seeds []int) {
	for i := range n {
		seeds = append(seeds, from+i)
	}
	return seeds
}

// builder builds both sides of a request in one directory.
type builder struct {
	Request
	repo *git.Repository
	dir  string
}

// resolve looks up the commit of a side's revision.
func (g builder) resolve(ctx context.Context, side *Side) (err error) {
	if side.Commit, err = g.repo.Resolve(ctx, side.Revision); err != nil {
		return fmt.Errorf("--%s %w", side.Name, err)
	}
	return nil
}

// sayUncommitted says that changes of the work tree are not measured, if a side is its commit.
func (g builder) sayUncommitted(ctx context.Context, b *Builds) {
	now, err := g.repo.Resolve(ctx, "HEAD")
	if err != nil || now != b.Head.Commit && now != b.Base.Commit {
		return
	}
	if n, first, err := g.repo.Uncommitted(ctx); err == nil && n > 0 {
		fmt.Fprintf(g.Log, "not measured: %d files that are changed and not committed, %q among them: commit them to measure them\n", n, first)
	}
}

// tryBase tells a program that the machine lacks from one that the change forgot: if the base does
// not build either, it is the machine's fault.
func (g builder) tryBase(ctx context.Context, b *Builds, head error) error {
	var failed BuildError
	if !errors.As(head, &failed) || !subprocess.ToolMissing(head) || b.Base.Commit == b.Head.Commit {
		return head
	}
	if err := g.make(ctx, b.Base, layouts(0, 1)); err == nil || !subprocess.ToolMissing(err) {
		return head
	}
	return fmt.Errorf("%w: neither side builds with PATH %s: %w", ErrMachine, os.Getenv("PATH"), head)
}
