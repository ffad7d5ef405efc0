package main

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

func badUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errNoVerdict is what a verb returns when it measured and nothing can be said: exit status 4.
var errNoVerdict = errors.New("no verdict")

// status prints an error as one line and turns it into the exit status.
func status(ctx context.Context, err error, w io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errNoCommand):
		return exitUsage
	}
	finding := errors.Is(err, errFinding) || errors.Is(err, live.ErrFinding)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) && !finding {
		fmt.Fprintf(w, "tunnelbench: interrupted (%s)\n", oneLine(err))
		return exitNoVerdict
	}
	fmt.Fprintf(w, "tunnelbench: %s\n", oneLine(err))
	var bad usageError
	var machine machineError
	switch {
	case errors.As(err, &bad), errors.Is(err, lab.ErrConfig):
		return exitUsage
	case finding, errors.Is(err, errRegression):
		return exitFinding
	case errors.Is(err, errNoVerdict), errors.Is(err, live.ErrNoVerdict):
		return exitNoVerdict
	case errors.As(err, &machine), errors.Is(err, errors.ErrUnsupported), errors.Is(err, netns.ErrLocked), errors.Is(err, os.ErrPermission):
		return exitMachine
	}
	return exitInternal
}

// oneLine joins what errors.Join put on lines of their own, and leaves nothing
// that a terminal would obey.
func oneLine(err error) string {
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
