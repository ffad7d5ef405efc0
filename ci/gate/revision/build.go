package revision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/ci/gate"
)

// Request describes what to build.
type Request struct {
	Repo    string    // a directory inside the repository
	Base    string    // revision; empty: the head again, in other layouts, so that the sides differ only in their layouts
	Head    string    // revision to compare with the base
	Device  string    // device spec as given to --dut
	Command string    // build command of an exec device in its tree; empty: build this program
	Layouts int       // number of layouts per side
	Log     io.Writer // receives a line for each build
}

// Errors that Build wraps if the request names a missing repository or revision.
var (
	ErrNoRepository = errors.New("no git repository")
	ErrUnknown      = errors.New("no such revision")
)

// Builds holds both sides of a gate, in a directory that Remove deletes.
type Builds struct {
	Base, Head *Side
	dir        string
}

// Remove deletes the builds.
func (b *Builds) Remove() error { return os.RemoveAll(b.dir) }

// Build checks out both revisions and builds them. On error it removes everything.
func (r Request) Build(ctx context.Context) (b *Builds, err error) {
	dir, err := os.MkdirTemp("", "tunnelbench-gate-")
	if err != nil {
		return nil, err
	}
	b = &Builds{Base: &Side{Name: gate.BaseSide, Revision: r.Base}, Head: &Side{Name: gate.HeadSide, Revision: r.Head}, dir: dir}
	defer func() {
		if err != nil {
			b, err = nil, errors.Join(err, os.RemoveAll(dir))
		}
	}()
	root, err := r.root(ctx)
	if err != nil {
		return nil, err
	}
	shift := 0 // both sides use the same layouts, so that equal sources give equal binaries
	if r.Base == "" {
		b.Base.Revision, shift = r.Head, r.Layouts
	}
	g := builder{Request: r, root: root, dir: dir}
	if err := errors.Join(g.resolve(ctx, b.Base), g.resolve(ctx, b.Head)); err != nil {
		return nil, err
	}
	if err := g.make(ctx, b.Head, layouts(shift, r.Layouts)); err != nil { // the head first: it is more likely to fail
		return nil, err
	}
	return b, g.make(ctx, b.Base, layouts(0, r.Layouts))
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
	root string // top directory of the repository
	dir  string
}

// root returns the top directory of the repository.
func (r Request) root(ctx context.Context) (string, error) {
	repo, err := filepath.Abs(r.Repo)
	if err != nil {
		return "", err
	}
	root, err := builder{root: repo}.git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", fmt.Errorf("--repo %s: %w: %w", r.Repo, ErrNoRepository, err)
	}
	return root, nil
}

// resolve looks up the commit of a side's revision.
func (g builder) resolve(ctx context.Context, side *Side) (err error) {
	if side.Commit, err = g.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", side.Revision+"^{commit}"); err != nil {
		return fmt.Errorf("--%s %q: %w in %s", side.Name, side.Revision, ErrUnknown, g.root)
	}
	return nil
}
