package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/subprocess"
)

// CheckOut writes the whole tree of a commit into a directory, with its submodules. The directory
// gets a repository of its own, which borrows the user's objects, and has its tags.
func (r *Repository) CheckOut(ctx context.Context, commit, tree string) error {
	own, err := r.borrow(ctx, tree)
	if err != nil {
		return err
	}
	if err := own.checkWhole(ctx, r, commit); err != nil {
		return err
	}
	if _, err := own.run(ctx, "checkout", "--quiet", "--force", "--detach", commit); err != nil {
		return err
	}
	deleted, err := own.run(ctx, "ls-files", "--deleted", "-z")
	if err != nil {
		return err
	}
	if lacks := fields(deleted); len(lacks) > 0 { // git tells, and succeeds all the same
		return fmt.Errorf("%.12s: %w: %d files could not be read, among them %s: git fsck tells what is damaged", commit, ErrIncomplete, len(lacks), lacks[0])
	}
	return errors.Join(own.fillLFS(ctx, r, commit), own.fillSubmodules(ctx, r))
}

// borrow makes a repository in a directory that reads the objects of r.
func (r *Repository) borrow(ctx context.Context, tree string) (*Repository, error) {
	if err := os.MkdirAll(tree, 0o755); err != nil {
		return nil, err
	}
	own := &Repository{dir: tree, home: r.home, top: tree, format: r.format}
	args := []string{"init", "--quiet", "--template="}
	if r.format != "sha1" {
		args = append(args, "--object-format="+r.format)
	}
	if _, err := own.run(ctx, args...); err != nil {
		return nil, err
	}
	tags, err := r.run(ctx, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags/")
	if err != nil {
		return nil, err
	}
	files := map[string]string{"objects/info/alternates": quoted(r.objects) + "\n"}
	if tags != "" {
		files["packed-refs"] = tags + "\n"
	}
	if shallow, err := os.ReadFile(r.shallow); err == nil {
		files["shallow"] = string(shallow)
	}
	for name, text := range files {
		path := filepath.Join(tree, ".git", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			return nil, err
		}
	}
	return own, nil
}

// quoted returns a path as C quotes a string, in the way that git reads alternates
// (gitrepository-layout(5)).
func quoted(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}

// checkWhole returns an error if objects of the commit's tree are missing. The borrowing repository
// knows of no server, so that git looks for them here only.
func (r *Repository) checkWhole(ctx context.Context, from *Repository, commit string) error {
	out, err := r.run(ctx, "rev-list", "--objects", "--no-walk", "--missing=print", commit)
	if err != nil && (ctx.Err() != nil || subprocess.Machine(err)) {
		return err
	}
	missing := strings.Count("\n"+out, "\n?")
	if err == nil && missing == 0 {
		return nil
	}
	partial, _ := from.run(ctx, "config", "--get-regexp", `^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$`)
	if partial != "" {
		return fmt.Errorf("%.12s: %w: the clone is partial, and lacks %d or more of its objects: git -C %s archive --output=/dev/null %.12s fetches them",
			commit, ErrIncomplete, max(1, missing), quoted(from.dir), commit)
	}
	return fmt.Errorf("%.12s: %w: %d or more of its objects are missing: git -C %s fsck tells what is damaged", commit, ErrIncomplete, max(1, missing), quoted(from.dir))
}
