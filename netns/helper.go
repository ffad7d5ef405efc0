package netns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/execfile"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// The first arguments with which this program re-executes itself.
const (
	initWord     = "__ns-init"
	guardianWord = "__guardian"
)

// The file descriptors that a re-executed child inherits.
const (
	firstFD  = 3 // helper: the network namespace; guardian: requests
	secondFD = 4 // helper: pipe for the result of the start; guardian: answers
)

// exitInit is the exit status of the helper if the helper itself failed.
const exitInit = 125

// Each thread has its own network namespace. The main goroutine of the helper is locked to the main
// thread, because /proc/1/ns/net shows the namespace of the main thread.
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

// runInit runs in the helper, which is the first process of a PID namespace. It enters the network
// namespace ns and starts the command as its child. args holds the path of the command and its
// argv. runInit forwards SIGTERM to the command and reaps ended processes. When the command ends,
// runInit kills all remaining processes and returns the exit status of the command. On SIGQUIT,
// runInit kills all processes immediately.
func runInit(args []string, ns, status *os.File) int {
	caught := signals.Caught()
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
		case s := <-caught:
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
	child, err := os.StartProcess(args[0], args[1:], &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	return child, execfile.Explain(args[0], err)
}

// routineReap reaps ended processes, including orphans, until the command has ended.
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

// killAndReap kills all remaining processes and waits for them, so that the kernel adds their CPU
// time to the times of this process.
func killAndReap() {
	sys.KillRest()
	for {
		if _, _, err := sys.WaitAny(); err != nil {
			return
		}
	}
}

const startedLine = "started"

// readStatus reads the result of the start from the helper.
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
