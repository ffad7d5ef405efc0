package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns"
)

// usageError marks an error in the usage or input: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// BadInput marks err as caused by bad input.
func BadInput(err error) error { return usageError{err} }

// MachineFault marks err as caused by this machine.
func MachineFault(err error) error { return machineError{err} }

// BadUsage returns a formatted error in the usage or input.
func BadUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// ErrNoVerdict is returned by a verb whose measurement allows no verdict: exit status 4.
var ErrNoVerdict = errors.New("no verdict")

// ErrRegression is returned when a change fails the gate: exit status 3.
var ErrRegression = errors.New("regression")

// machineError marks an error for something that this machine lacks or forbids: exit status 5.
type machineError struct{ error }

func (e machineError) Unwrap() error { return e.error }

// Status prints err as one line on w, unless Log has logged it, and returns the exit status for it.
func Status(ctx context.Context, err error, w io.Writer) int {
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, errNoCommand):
		return ExitUsage
	}
	line, code := verdict(ctx, err)
	if said := (logged{}); !errors.As(err, &said) {
		fmt.Fprintf(w, "tunnelbench: %s\n", line)
	}
	return code
}

// logged marks an error that is in a log already.
type logged struct{ error }

func (e logged) Unwrap() error { return e.error }

// Log logs what Status would print, and returns an error for which Status prints nothing.
func Log(ctx context.Context, err error, log *slog.Logger) error {
	if err == nil {
		return nil
	}
	line, _ := verdict(ctx, err)
	log.Error(line)
	return logged{err}
}

// verdict returns an error as a line, and its exit status.
func verdict(ctx context.Context, err error) (line string, code int) {
	finding := errors.Is(err, report.ErrFinding) || errors.Is(err, ErrRegression)
	code = statusOf(err)
	if ctx.Err() != nil && !finding && (errors.Is(err, ctx.Err()) || code == exitInternal) {
		return fmt.Sprintf("interrupted, %v (%s)", context.Cause(ctx), OneLine(err)), ExitNoVerdict
	}
	return OneLine(err), code
}

// statusOf returns the exit status for an error of work that was not interrupted.
func statusOf(err error) int {
	var bad usageError
	var machine machineError
	switch {
	case errors.As(err, &bad), errors.Is(err, lab.ErrConfig):
		return ExitUsage
	case errors.Is(err, report.ErrFinding), errors.Is(err, ErrRegression):
		return ExitFinding
	case errors.Is(err, ErrNoVerdict), errors.Is(err, report.ErrNoVerdict):
		return ExitNoVerdict
	case errors.As(err, &machine), errors.Is(err, errors.ErrUnsupported), errors.Is(err, netns.ErrLocked), errors.Is(err, os.ErrPermission), exhausted(err):
		return ExitMachine
	case lab.DeviceFailed(err):
		return ExitNoVerdict
	}
	return exitInternal
}

// exhausted reports whether a limit of the machine was reached: on disk space, the size of a file, or
// the number of open files.
func exhausted(err error) bool {
	return slices.ContainsFunc([]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, syscall.EMFILE, syscall.ENFILE},
		func(limit error) bool { return errors.Is(err, limit) })
}

// OneLine returns err as one line: the lines of errors.Join are joined, and terminal control
// characters are replaced.
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
