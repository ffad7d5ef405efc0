package installation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/subprocess"
	"github.com/tunnelbench/tunnelbench/recipes"
)

// Install installs the programs of a recipe; say is told each step before it is run. What is built replaces what
// was there in one step, when all of it is built. It returns an error that wraps os.ErrPermission if this user may
// not install.
func (p Place) Install(ctx context.Context, r recipes.Recipe, say func(Step)) error {
	for _, step := range aptSteps(r) {
		say(step)
		// A package manager that is killed leaves half a package: it may end in its own time.
		if err := step.run(context.WithoutCancel(ctx), "/", os.Environ()); err != nil {
			return fmt.Errorf("recipe %s: %w", r.Name, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if builds(r) {
		if err := p.build(ctx, r, say); err != nil {
			return fmt.Errorf("recipe %s: %w", r.Name, err)
		}
	}
	if missing := p.look(r).Missing(); len(missing) > 0 {
		return fmt.Errorf("recipe %s: all steps succeeded, and %s is still not there: correct its install in recipe.yaml", r.Name, strings.Join(missing, ", "))
	}
	return nil
}

// run runs a step. What it says is shown if it fails.
func (s Step) run(ctx context.Context, dir string, env []string) error {
	return subprocess.Command{Dir: dir, Env: append(env, s.env...), Args: s.Args}.Run(ctx)
}

// build builds into a new folder and puts it in the place of the recipe's.
func (p Place) build(ctx context.Context, r recipes.Recipe, say func(Step)) (err error) {
	if err := os.MkdirAll(string(p), 0o755); err != nil {
		return err
	}
	if err := p.sweep(); err != nil {
		return err
	}
	w := p.work(r)
	defer func() { err = errors.Join(err, os.RemoveAll(string(w))) }()
	if err := w.prepare(r); err != nil {
		return err
	}
	for _, step := range buildSteps(r, w) {
		say(step)
		if err := step.run(ctx, w.sources(), w.environment()); err != nil {
			return err
		}
	}
	if err := w.finish(r); err != nil {
		return err
	}
	return p.replace(p.folder(r), w)
}

// prepare lays out the sources. Their go.mod is called go.mod.txt in the recipe, where it would make them a module
// that is no part of this program.
func (w work) prepare(r recipes.Recipe) error {
	if err := errors.Join(os.MkdirAll(w.out(), 0o755), os.CopyFS(w.sources(), r.Files())); err != nil {
		return err
	}
	return filepath.WalkDir(w.sources(), func(path string, _ os.DirEntry, err error) error {
		if name := filepath.Base(path); err == nil && (name == "go.mod.txt" || name == "go.sum.txt") {
			return os.Rename(path, strings.TrimSuffix(path, ".txt"))
		}
		return err
	})
}

// finish collects what Cargo built and stamps the folder.
func (w work) finish(r recipes.Recipe) error {
	crates, err := filepath.Glob(filepath.Join(w.cargo(), "bin", "*"))
	for _, program := range crates {
		err = errors.Join(err, os.Rename(program, filepath.Join(w.out(), filepath.Base(program))))
	}
	if err != nil {
		return err
	}
	sum, err := digest(r)
	return errors.Join(err, os.WriteFile(filepath.Join(w.out(), stamp), []byte(sum), 0o644))
}

// replace puts what was built into the folder. What was there goes with the folder of work.
func (p Place) replace(folder string, w work) error {
	if _, err := os.Stat(folder); err == nil {
		if err := os.Rename(folder, filepath.Join(string(w), "old")); err != nil {
			return err
		}
	}
	return os.Rename(w.out(), folder)
}

// sweep removes what an installation left that was killed.
func (p Place) sweep() error {
	left, err := filepath.Glob(filepath.Join(string(p), ".*.*"))
	for _, dir := range left {
		pid := dir[strings.LastIndexByte(dir, '.')+1:]
		if _, gone := os.Stat("/proc/" + pid); gone != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// output returns what a short command prints.
func output(args ...string) (string, error) {
	said, err := exec.Command(args[0], args[1:]...).Output()
	return strings.TrimSpace(string(said)), err
}
