package revision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/git"
	"github.com/tunnelbench/tunnelbench/internal/subprocess"
)

// Blame is whose fault an error of Build is.
type Blame int

// Whose fault an error is.
const (
	Nobody  Blame = iota // an interruption, or a fault of this program
	Input                // the user's choices, or a head that does not build
	Machine              // this machine, or a base that does not build
)

// ErrMachine is wrapped by errors about something that this machine lacks.
var ErrMachine = errors.New("this machine cannot build")

// BlameFor returns whose fault an error of Build is.
func BlameFor(err error) Blame {
	var b BuildError
	switch failed := errors.As(err, &b); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Nobody
	case errors.Is(err, ErrMachine), subprocess.Machine(err), failed && b.Side == gate.BaseSide:
		return Machine
	case failed, errors.Is(err, git.ErrNoRepository), errors.Is(err, git.ErrUnknown), errors.Is(err, git.ErrIncomplete):
		return Input
	}
	return Nobody
}

// BuildError reports a side that does not build.
type BuildError struct {
	Side string
	Err  error
}

func (e BuildError) Error() string { return fmt.Sprintf("the %s does not build: %v", e.Side, e.Err) }

// Unwrap returns the error of the build.
func (e BuildError) Unwrap() error { return e.Err }

// runBuild runs a build command in its tree, and ends what it leaves running: it would disturb the
// measurement.
func runBuild(ctx context.Context, dir string, env []string, args ...string) error {
	return subprocess.Command{Dir: dir, Env: append(append(environment(), "PWD="+dir), env...), Args: args}.Run(ctx)
}

// callers are variables that point a build to the caller's make or Go workspace.
var callers = []string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MAKEFILES", "GOWORK", "PWD", "OLDPWD"}

// environment returns the environment of all builds.
func environment() []string {
	return slices.DeleteFunc(git.Clean(os.Environ()), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(callers, name)
	})
}
