//go:build linux

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// setUp writes the scripts and a repository of two revisions.
func (k soak) setUp(ctx context.Context) error {
	repo := filepath.Join(k.dir, "repo")
	if err := errors.Join(os.RemoveAll(repo), os.MkdirAll(repo, 0o755)); err != nil {
		return err
	}
	entries, err := fs.ReadDir(scripts, "scripts")
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := fs.ReadFile(scripts, "scripts/"+e.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(k.dir, e.Name()), text, 0o755)
		}
		if err != nil {
			return err
		}
	}
	return k.commit(ctx, repo)
}

// commit makes two revisions of a tunnel that differ in a comment.
func (k soak) commit(ctx context.Context, repo string) error {
	text, err := os.ReadFile(filepath.Join(k.dir, "vxlan.sh"))
	if err != nil {
		return err
	}
	if err := tool(ctx, "git", "init", "--quiet", repo); err != nil {
		return err
	}
	for _, more := range []string{"", "# a comment\n"} {
		if err := os.WriteFile(filepath.Join(repo, "tunnel.sh"), append(text, more...), 0o755); err != nil {
			return err
		}
		err := errors.Join(tool(ctx, "git", "-C", repo, "add", "tunnel.sh"),
			tool(ctx, "git", "-C", repo, "-c", "user.name=soak", "-c", "user.email=soak@localhost", "commit", "--quiet", "--message", "a tunnel"))
		if err != nil {
			return err
		}
	}
	return nil
}

// copyResults copies the results that reports are made of.
func (k soak) copyResults(from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(k.dir, "results.json"), data, 0o644)
}
