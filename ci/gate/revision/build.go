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

// Request says what to build.
type Request struct {
	Repo    string    // a directory in the repository
	Base    string    // revision; empty: the head again, in layouts of its own, so that only they differ
	Head    string    // revision
	Device  string    // as --dut names it
	Command string    // that builds an exec device in its tree; empty: this program's own is built
	Layouts int       // of each side
	Log     io.Writer // gets a line for each build
}

// What the error wraps where the request names nothing that is there.
var (
	ErrNoRepository = errors.New("no git repository")
	ErrUnknown      = errors.New("no such revision")
)

// Builds are both sides of a gate, in a directory that Remove deletes.
type Builds struct {
	Base, Head *Side
	dir        string
}

// Remove deletes the builds.
func (b *Builds) Remove() error { return os.RemoveAll(b.dir) }

// Build checks out both revisions and builds them. Where it fails nothing is left.
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
	shift := 0 // both sides have the same layouts, so that equal sources make equal binaries
	if r.Base == "" {
		b.Base.Revision, shift = r.Head, r.Layouts
	}
	g := builder{Request: r, root: root, dir: dir}
	if err := errors.Join(g.resolve(ctx, b.Base), g.resolve(ctx, b.Head)); err != nil {
		return nil, err
	}
	if err := g.make(ctx, b.Head, layouts(shift, r.Layouts)); err != nil { // first: it is the likelier one to fail
		return nil, err
	}
	return b, g.make(ctx, b.Base, layouts(0, r.Layouts))
}

// layouts are n seeds of link layouts; 0 is the linker's own.
func layouts(from, n int) (seeds []int) {
	for i := range n {
		seeds = append(seeds, from+i)
	}
	return seeds
}

// builder builds both sides of a request below one directory.
type builder struct {
	Request
	root string // of the repository
	dir  string
}

// root is the top of the repository.
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

// resolve finds the side's commit.
func (g builder) resolve(ctx context.Context, side *Side) (err error) {
	if side.Commit, err = g.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", side.Revision+"^{commit}"); err != nil {
		return fmt.Errorf("--%s %q: %w in %s", side.Name, side.Revision, ErrUnknown, g.root)
	}
	return nil
}
