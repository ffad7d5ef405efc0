// Package reexec lets a program start itself again in another role, such as the
// first process of a namespace or one side of a built-in tunnel, so that users
// install one binary. A package registers its roles in init, and main and
// TestMain call Main first thing.
package reexec

import (
	"errors"
	"fmt"
	"os"
)

// roles maps the first argument of the program to the role.
var roles = map[string]func(args []string) error{}

// Register makes Main run role when the program's first argument is word; args are the arguments
// after it. Call Register from init. It panics if the word is registered twice.
func Register(word string, role func(args []string) error) {
	if roles[word] != nil {
		panic("reexec: " + word + " is registered twice")
	}
	roles[word] = role
}

// ExitError is an error that sets the exit status of a role.
type ExitError struct {
	Code int
	Err  error // nil: print nothing
}

// Error returns the text of Err.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	return e.Err.Error()
}

// Main runs the role that the first argument names and exits with status 0. If the role fails, it
// prints the error to stderr and exits with status 1, or with the status of an ExitError. It
// returns if the argument names no role.
func Main() {
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		return
	}
	os.Exit(status(roles[os.Args[1]](os.Args[2:])))
}

// status writes err to stderr and returns the exit status.
func status(err error) int {
	if err == nil {
		return 0
	}
	exit := &ExitError{Code: 1, Err: err}
	errors.As(err, &exit)
	if exit.Err != nil {
		fmt.Fprintln(os.Stderr, exit.Err)
	}
	return exit.Code
}
