package netns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// The private words by which the binary knows that it was re-executed.
const (
	initWord     = "__ns-init"
	guardianWord = "__guardian"
)

// The descriptors that a re-executed child finds open.
const (
	firstFD  = 3 // init: the namespace; guardian: requests
	secondFD = 4 // init: where it says how the start went; guardian: answers
)

// exitInit is the exit status when the init itself failed.
const exitInit = 125

// The namespace is a thread's. An init's main goroutine takes the main thread,
// so that the whole process is seen inside: /proc/1/ns/net is that thread's.
func init() {
	if len(os.Args) > 1 && os.Args[1] == initWord {
		runtime.LockOSThread()
	}
	reexec.Register(initWord, func(args []string) error {
		return &reexec.ExitError{Code: runInit(args, sys.Inherited(firstFD), sys.Inherited(secondFD))}
	})
	reexec.Register(guardianWord, func([]string) error {
		return &reexec.ExitError{Code: runGuardian(sys.Inherited(firstFD), sys.Inherited(secondFD))}
	})
}

// runInit is the first process of a PID namespace: it enters the network
// namespace, starts the command (args: path, then argv) as its child, forwards
// SIGTERM, reaps, and ends as the child does, taking all the others along.
// SIGQUIT makes it kill them at once.
func runInit(args []string, ns, status *os.File) int {
	signals := make(chan os.Signal, 8)
	// Caught, not ignored: the command would inherit that.
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGINT, syscall.SIGHUP)
	child, err := startChild(args, ns)
	if err != nil {
		fmt.Fprintln(status, err)
		return exitInit
	}
	fmt.Fprintln(status, startedLine)
	status.Close()

	ended := make(chan int, 1)
	go routineReap(child.Pid, ended)
	for {
		select {
		case code := <-ended:
			killAndReap()
			return code
		case s := <-signals:
			switch s {
			case syscall.SIGTERM:
				child.Signal(s)
			case syscall.SIGQUIT:
				sys.KillRest()
			}
		}
	}
}

func startChild(args []string, ns *os.File) (*os.Process, error) {
	if len(args) < 2 {
		return nil, errors.New("no command")
	}
	if err := sys.JoinNetNS(int(ns.Fd())); err != nil {
		return nil, err
	}
	ns.Close()
	if err := sys.MountFresh(); err != nil {
		return nil, err
	}
	return os.StartProcess(args[0], args[1:], &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
}

// routineReap reaps whatever ends, orphans too, until the command does.
func routineReap(child int, ended chan<- int) {
	for {
		pid, code, err := sys.WaitAny()
		if err != nil {
			ended <- exitInit
			return
		}
		if pid == child {
			ended <- code
			return
		}
	}
}

// killAndReap ends what the command left behind and waits for it, so that its
// CPU time is in this process's bill.
func killAndReap() {
	sys.KillRest()
	for {
		if _, _, err := sys.WaitAny(); err != nil {
			return
		}
	}
}

const startedLine = "started"

// readStatus is the init's word on how the start went.
func readStatus(r io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(r, 4096))
	switch {
	case err != nil:
		return fmt.Errorf("no word from the helper: %w", err)
	case string(b) == startedLine+"\n":
		return nil
	case len(b) == 0:
		return errors.New("the helper ended before it could start the command: main must call reexec.Main first")
	}
	return errors.New(string(b[:len(b)-1]))
}
