package git

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/subprocess"
)

// name matches the full name of an object.
var name = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Resolve returns the name of a revision's commit.
func (r *Repository) Resolve(ctx context.Context, revision string) (string, error) {
	commit, err := r.run(ctx, "rev-parse", "--verify", "--end-of-options", revision+"^{commit}")
	switch {
	case err == nil && name.MatchString(commit):
		return commit, nil
	case err != nil && (ctx.Err() != nil || subprocess.Machine(err)):
		return "", err
	}
	return "", fmt.Errorf("%q: %w in %s%s", revision, ErrUnknown, r.dir, r.hint(ctx, revision))
}

// hint returns how to get a revision that is not there, if that is known.
func (r *Repository) hint(ctx context.Context, revision string) string {
	if _, err := r.run(ctx, "rev-parse", "--verify", "--quiet", "HEAD"); err != nil && strings.HasPrefix(revision, "HEAD") {
		return ": it has no commit yet: commit first"
	}
	if r.isShallow() {
		return ": the clone is shallow: git fetch --unshallow, or fetch-depth: 0 of actions/checkout, brings the rest"
	}
	if _, err := os.Lstat(revision); err == nil {
		return ": it is a file: name a branch, a tag or a commit"
	}
	return ": git fetch brings it if it is elsewhere"
}

func (r *Repository) isShallow() bool {
	_, err := os.Stat(r.shallow)
	return err == nil
}

// mostCommits bounds the list of a change's commits.
const mostCommits = 1000

// Between returns the commits of head that base does not have, the newest first: at most 1000.
func (r *Repository) Between(ctx context.Context, base, head string) ([]string, error) {
	out, err := r.run(ctx, "rev-list", "--max-count="+strconv.Itoa(mostCommits), head, "^"+base)
	return strings.Fields(out), err
}

// fields splits the output of an option -z.
func fields(out string) []string {
	if out = strings.TrimSuffix(out, "\x00"); out == "" {
		return nil
	}
	return strings.Split(out, "\x00")
}
