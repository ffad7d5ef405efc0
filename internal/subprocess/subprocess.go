// Package subprocess runs other people's programs: git and build commands. A program and what it
// started end together, its output is bounded, and an error says whether the machine is at fault.
package subprocess

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Command is a program to run.
type Command struct {
	Dir  string
	Env  []string  // complete: nothing is taken over from this process
	Args []string  // program and arguments
	In   io.Reader // standard input; nil: none
	Out  io.Writer // receives standard output; nil: it is kept for the error, beside standard error
}

// grace is the time that a program has to end after SIGTERM, and that its children may hold its output
// after it ended.
const grace = time.Second

// Mark is the variable by which the processes of a command are found. Children of a build that should
// outlive it, such as a cache's server, take it out of their environment.
const Mark = "TB_SUBPROCESS"

// session is part of the marks of all commands of this process.
var session = rand.Text()

// OwnMark returns what the environments of this process's commands, and of all that they started,
// contain.
func OwnMark() string { return Mark + "=" + session }

// Run runs the program until it ends, and then ends all that it left running. When ctx is done, the
// program and its children get SIGTERM, then SIGKILL; the error is then ctx's cause.
func (c Command) Run(ctx context.Context) error {
	mark := OwnMark() + "-" + rand.Text()
	said := &tail{}
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = c.Dir, append(append([]string{}, c.Env...), mark), grace
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.In, said, said
	if c.Out != nil {
		cmd.Stdout = c.Out
	}
	ownGroup(cmd)
	cmd.Cancel = func() error { return endGroup(cmd) }
	err := runTethered(cmd)
	if cmd.Process != nil {
		killAll(cmd, mark)
	}
	switch {
	case err == nil, c.Out == nil && errors.Is(err, exec.ErrWaitDelay): // a child held the output, which nobody reads
		return nil
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), ctx.Err()):
		return fmt.Errorf("%s: %w", c.Args[0], ctx.Err())
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w: %w", c.Args[0], ctx.Err(), context.Cause(ctx))
	}
	return &Error{Args: c.Args, Err: err, Words: said.last(), kept: string(said.data)}
}

// runTethered runs a program on a thread of its own. The kernel ends the program with its thread, so
// however this one ends.
func runTethered(cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		ended <- cmd.Run()
	}()
	return <-ended
}

// Error reports a program that did not start, or did not succeed.
type Error struct {
	Args  []string
	Err   error
	Words string // its last lines, joined by "; "
	kept  string // more of its output
}

func (e *Error) Error() string {
	if errors.Is(e.Err, exec.ErrNotFound) {
		return fmt.Sprintf("%s is not in PATH (%s)", e.Args[0], os.Getenv("PATH"))
	}
	text := strings.Join(e.Args, " ") + ": " + e.Err.Error()
	if e.Words != "" {
		text += ": " + e.Words
	}
	return text
}

// Unwrap returns the error of os/exec.
func (e *Error) Unwrap() error { return e.Err }

// tail keeps the end of what is written.
type tail struct{ data []byte }

const mostTail = 8 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.data = append(t.data, b[max(0, len(b)-mostTail):]...)
	if extra := len(t.data) - mostTail; extra > 0 {
		t.data = append(t.data[:0], t.data[extra:]...)
	}
	return len(b), nil
}

// last returns the last lines as one.
func (t *tail) last() string {
	const mostLines, mostOctets = 3, 1000
	lines := bytes.Split(bytes.TrimSpace(t.data), []byte("\n"))
	words := bytes.Join(lines[max(0, len(lines)-mostLines):], []byte("; "))
	return string(words[max(0, len(words)-mostOctets):])
}
