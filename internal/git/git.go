// Package git reads a user's repository and checks out its commits elsewhere. It is the only place
// that runs git. The caller's environment, hooks, templates and configuration have no part in it,
// nothing is fetched, and nothing is written into the user's repository.
//
//	user's repository ◄── objects, by an alternate ── own repository, one per tree ──► files
//
// A tree is whole, or it is an error: objects that a partial clone lacks, submodules and files of
// Git LFS are taken from what is on this machine, or named with the command that fetches them.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/subprocess"
)

// Errors about what the user asked for.
var (
	ErrNoRepository = errors.New("no git repository")
	ErrUnknown      = errors.New("no such revision")
	ErrIncomplete   = errors.New("not all of it is on this machine")
)

// Repository is a git repository of the user, bare or with a work tree.
type Repository struct {
	dir     string   // where git runs
	options []string // of git
	home    string   // holds the configuration of all calls
	top     string   // of the work tree; empty: bare
	private string   // git directory of this work tree
	common  string   // git directory of all work trees
	objects string   // directory of the objects
	format  string   // of object names: sha1 or sha256
	shallow string   // file with the commits whose parents are not here
}

// Open returns the repository that a directory is in. It writes its configuration of git into home,
// a directory of the caller's.
func Open(ctx context.Context, dir, home string) (*Repository, error) {
	return open(ctx, dir, home)
}

func open(ctx context.Context, dir, home string, options ...string) (*Repository, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := configure(home); err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: %w: no such directory", dir, ErrNoRepository)
	}
	r := &Repository{dir: dir, options: options, home: home}
	if err := r.locate(ctx); err != nil {
		if subprocess.Machine(err) || ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w: %w", dir, ErrNoRepository, err)
	}
	return r, nil
}

// locate asks git for the parts of the repository, one at a time, since a path may have newlines.
func (r *Repository) locate(ctx context.Context) error {
	for _, part := range []struct {
		into *string
		args []string
	}{
		{&r.private, []string{"--absolute-git-dir"}}, {&r.common, []string{"--git-common-dir"}}, {&r.objects, []string{"--git-path", "objects"}},
		{&r.shallow, []string{"--git-path", "shallow"}}, {&r.format, []string{"--show-object-format"}},
	} {
		out, err := r.run(ctx, append([]string{"rev-parse"}, part.args...)...)
		if err != nil {
			return err
		}
		*part.into = out
	}
	for _, path := range []*string{&r.private, &r.common, &r.objects, &r.shallow} {
		if !filepath.IsAbs(*path) {
			*path = filepath.Join(r.dir, *path)
		}
	}
	r.top, _ = r.run(ctx, "rev-parse", "--show-toplevel") // none if bare
	return nil
}

// settings come before those of a repository. No hook, no file system monitor and no other program
// is run, and nothing is fetched.
var settings = []string{
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.pager=cat", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
	"-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false", "-c", "protocol.allow=never", "-c", "submodule.recurse=false",
}

// userConfig is the user's configuration of all calls. The owner of a repository is not checked: the
// gate builds and runs what is in it, because its user says so.
const userConfig = "[safe]\n\tdirectory = *\n\tbareRepository = all\n"

func configure(home string) error {
	return errors.Join(os.MkdirAll(home, 0o755), os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(userConfig), 0o600))
}

// run runs git in the repository and returns what it wrote, without the last newline.
func (r *Repository) run(ctx context.Context, args ...string) (string, error) {
	return r.runWith(ctx, nil, args...)
}

// runWith is run with something on standard input.
func (r *Repository) runWith(ctx context.Context, in io.Reader, args ...string) (string, error) {
	var out bytes.Buffer
	err := subprocess.Command{Dir: r.dir, Env: r.environment(), Args: slices.Concat([]string{"git"}, settings, r.options, args), In: in, Out: &out}.Run(ctx)
	var failed *subprocess.Error
	if errors.As(err, &failed) {
		failed.Args = append([]string{"git"}, args...) // as a user would write it
	}
	return strings.TrimSuffix(out.String(), "\n"), err
}

// environment returns the environment of all calls.
func (r *Repository) environment() (env []string) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "LC_") && name != "LANGUAGE" && name != "PWD" {
			env = append(env, pair)
		}
	}
	return append(env, "HOME="+r.home, "XDG_CONFIG_HOME="+r.home, "PWD="+r.dir, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+filepath.Join(r.home, ".gitconfig"), "GIT_ATTR_NOSYSTEM=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none",
		"GIT_LFS_SKIP_SMUDGE=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_DISCOVERY_ACROSS_FILESYSTEM=1")
}

// kept are the beginnings of variables that a build needs where it fetches what it depends on.
var kept = []string{"GIT_SSH", "GIT_ASKPASS", "GIT_TERMINAL_PROMPT", "GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_", "GIT_ALLOW_PROTOCOL", "GIT_CONFIG_"}

// Clean returns an environment without the variables that point git to the caller's repository, as a
// hook has them (githooks(5)).
func Clean(env []string) (clean []string) {
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		needed := name != "GIT_CONFIG_PARAMETERS" && slices.ContainsFunc(kept, func(k string) bool { return strings.HasPrefix(name, k) })
		if needed || !strings.HasPrefix(name, "GIT_") {
			clean = append(clean, pair)
		}
	}
	return clean
}
