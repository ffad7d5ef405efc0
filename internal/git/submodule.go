package git

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// fillSubmodules checks out the submodules of the work tree. Their objects come from the user's
// checkouts of them.
func (r *Repository) fillSubmodules(ctx context.Context, from *Repository) error {
	out, err := r.run(ctx, "ls-files", "--stage", "-z")
	if err != nil {
		return err
	}
	var names map[string]string
	for _, entry := range fields(out) {
		head, path, _ := strings.Cut(entry, "\t")
		words := strings.Fields(head) // mode, object, stage
		const commitMode = "160000"
		if len(words) < 2 || words[0] != commitMode {
			continue
		}
		if names == nil {
			names = r.submoduleNames(ctx)
		}
		commit := words[1]
		sub := from.submodule(ctx, path, names[path], commit)
		if sub == nil {
			return fmt.Errorf("submodule %s: %w: its commit %.12s: in %s, git submodule update --init --recursive (or git fetch in the submodule) brings it",
				path, ErrIncomplete, commit, quoted(from.dir))
		}
		if err := sub.CheckOut(ctx, commit, filepath.Join(r.dir, path)); err != nil {
			return fmt.Errorf("submodule %s: %w", path, err)
		}
	}
	return nil
}

// submoduleNames returns the names of submodules by path; none if there is no .gitmodules.
func (r *Repository) submoduleNames(ctx context.Context) map[string]string {
	names := map[string]string{}
	out, err := r.run(ctx, "config", "-z", "--file", ".gitmodules", "--get-regexp", `^submodule\..*\.path$`)
	if err != nil {
		return names
	}
	for _, entry := range fields(out) {
		key, path, _ := strings.Cut(entry, "\n")
		names[path] = strings.TrimSuffix(strings.TrimPrefix(key, "submodule."), ".path")
	}
	return names
}

// submodule returns the repository of a submodule that has a commit, or nil. Paths and names come
// from the tree, which nobody has checked.
func (r *Repository) submodule(ctx context.Context, path, name, commit string) *Repository {
	type place struct {
		dir     string
		options []string
	}
	var places []place
	if r.top != "" && filepath.IsLocal(path) {
		places = append(places, place{dir: filepath.Join(r.top, path)})
	}
	if name != "" && filepath.IsLocal(name) {
		for _, dir := range []string{r.private, r.common} { // its own work tree may be gone
			places = append(places, place{filepath.Join(dir, "modules", name), []string{"--git-dir=.", "--work-tree=."}})
		}
	}
	for _, p := range places {
		sub, err := open(ctx, p.dir, r.home, p.options...)
		if err != nil || sub.common == r.common { // an empty folder is one of the outer repository
			continue
		}
		if _, err := sub.Resolve(ctx, commit); err == nil {
			return sub
		}
	}
	return nil
}
