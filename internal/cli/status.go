package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/tunnelbench/tunnelbench/fuzz/live"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns"
)

// usageError is bad usage or bad input: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// BadInput makes an error one of bad input.
func BadInput(err error) error { return usageError{err} }

// MachineFault makes an error one of the machine.
func MachineFault(err error) error { return machineError{err} }

// BadUsage is an error of bad usage or bad input with a text of its own.
func BadUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// ErrNoVerdict is what a verb returns when it measured and nothing can be said: exit status 4.
var ErrNoVerdict = errors.New("no verdict")

// ErrFinding is what a verb returns when it found something: exit status 3.
var ErrFinding = errors.New("finding")

// ErrRegression is a change that fails the gate: exit status 3.
var ErrRegression = errors.New("regression")

// machineError is something that this machine lacks or does not allow: exit status 5.
type machineError struct{ error }

func (e machineError) Unwrap() error { return e.error }

// Status prints an error as one line and turns it into the exit status.
func Status(ctx context.Context, err error, w io.Writer) int {
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, errNoCommand):
		return ExitUsage
	}
	finding := errors.Is(err, ErrFinding) || errors.Is(err, live.ErrFinding)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) && !finding {
		fmt.Fprintf(w, "tunnelbench: interrupted (%s)\n", OneLine(err))
		return ExitNoVerdict
	}
	fmt.Fprintf(w, "tunnelbench: %s\n", OneLine(err))
	var bad usageError
	var machine machineError
	switch {
	case errors.As(err, &bad), errors.Is(err, lab.ErrConfig):
		return ExitUsage
	case finding, errors.Is(err, ErrRegression):
		return ExitFinding
	case errors.Is(err, ErrNoVerdict), errors.Is(err, live.ErrNoVerdict):
		return ExitNoVerdict
	case errors.As(err, &machine), errors.Is(err, errors.ErrUnsupported), errors.Is(err, netns.ErrLocked), errors.Is(err, os.ErrPermission):
		return ExitMachine
	}
	return exitInternal
}

// OneLine joins what errors.Join put on lines of their own, and leaves nothing
// that a terminal would obey.
func OneLine(err error) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			return ';'
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, err.Error())
}
