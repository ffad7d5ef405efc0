package netns

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// Command is a program that Start runs.
type Command struct {
	Path   string   // looked up in PATH if it has no slash
	Args   []string // without the name of the program
	Env    []string // nil: the environment of the lab
	CPUs   []int    // nil: the CPUs of the lab
	Dir    string   // working directory; empty: that of the lab
	Stdout io.Writer
	Stderr io.Writer
}

// Process is a command that runs in a network namespace, with all its descendants. The command and
// its descendants have their own PID namespace, /proc and /sys. When the command or the lab ends
// for any reason, all descendants end, too.
type Process struct {
	name string
	cmd  *exec.Cmd
	tail tail
	done chan struct{} // closed when all processes have ended; err and usage are set before

	err   error
	usage Usage

	mu       sync.Mutex
	stopping bool
}

// Usage is the CPU time of ended processes. A kernel without CONFIG_IRQ_TIME_ACCOUNTING adds the
// time of a soft interrupt to the process that it interrupted.
type Usage struct {
	User, System time.Duration
}

const (
	startLimit = 10 * time.Second
	killGrace  = 5 * time.Second // time for the helper to kill and reap the processes, on a busy machine too
	tailBytes  = 4096
)

// Start starts a command in a namespace. It returns when the command runs, or an error if the
// command cannot be executed.
func Start(ns *NS, c Command) (*Process, error) {
	path, err := exec.LookPath(c.Path)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: start %s: %w", ns.name, c.Path, err)
	}
	status, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%s: start %s: %w", ns.name, c.Path, err)
	}
	defer status.Close()
	p := newProcess(ns, c, path, theirs)
	err = sys.StartInit(p.cmd, c.CPUs)
	theirs.Close()
	if err != nil {
		return nil, fmt.Errorf("%s: start helper for %s: %w", ns.name, c.Path, err)
	}
	go p.routineWait()
	err = status.SetReadDeadline(time.Now().Add(startLimit))
	if err == nil {
		err = readStatus(status)
	}
	if err != nil {
		p.cmd.Process.Kill()
		<-p.done
		return nil, fmt.Errorf("%s: start %s: %w", ns.name, c.Path, err)
	}
	return p, nil
}

func newProcess(ns *NS, c Command, path string, status *os.File) *Process {
	p := &Process{
		name: ns.name + ": " + filepath.Base(c.Path),
		cmd:  exec.Command("/proc/self/exe"),
		done: make(chan struct{}),
	}
	p.cmd.Args = append([]string{"tunnelbench", initWord, path, c.Path}, c.Args...)
	p.cmd.Env = c.Env
	p.cmd.Dir = c.Dir
	p.cmd.Stdout = c.Stdout
	p.cmd.Stderr = &p.tail
	if c.Stderr != nil {
		p.cmd.Stderr = io.MultiWriter(&p.tail, c.Stderr)
	}
	p.cmd.ExtraFiles = []*os.File{ns.file, status}
	p.cmd.WaitDelay = killGrace
	return p
}

func (p *Process) routineWait() {
	err := p.cmd.Wait()
	p.mu.Lock()
	stopping := p.stopping
	p.mu.Unlock()
	if state := p.cmd.ProcessState; state != nil {
		p.usage = Usage{User: state.UserTime(), System: state.SystemTime()}
	}
	if err != nil && !stopping {
		p.err = p.explain(err)
	}
	close(p.done)
}

// explain adds the end of the command's stderr to err, as one line.
func (p *Process) explain(err error) error {
	said := strings.Join(strings.Fields(p.Stderr()), " ")
	if said == "" {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return fmt.Errorf("%s: %w: %s", p.name, err, said)
}

// Pid returns the process ID of the helper. The command is the first child of the helper.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done returns a channel that is closed when the command and all its descendants have ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns why the command ended by itself, with the end of its stderr. It returns nil while
// the command runs, after exit status 0, after Stop and after Kill.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// ExitCode returns the exit status of the command. It is 128 plus the signal number if a signal
// ended the command, and -1 while the command runs or if the helper was killed.
func (p *Process) ExitCode() int {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// Stderr returns the last 4 KiB that the command has written to stderr.
func (p *Process) Stderr() string { return p.tail.String() }

// Stop sends SIGTERM to the command. After the time grace it sends SIGKILL to the command and all
// its descendants. Stop waits until all of them have ended and returns the CPU time of all of
// them. It returns an error if the command had failed before or had to be killed.
func (p *Process) Stop(grace time.Duration) (Usage, error) {
	select {
	case <-p.done:
		return p.usage, p.err
	default:
	}
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.signal(syscall.SIGTERM)
	if p.endsWithin(grace) {
		return p.usage, nil
	}
	p.kill()
	return p.usage, fmt.Errorf("%s: did not end within %v of SIGTERM and was killed", p.name, grace)
}

// Kill sends SIGKILL to the command and all its descendants, and waits until they have ended.
func (p *Process) Kill() {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.kill()
}

// kill makes the helper kill and reap all processes. If the helper takes longer than killGrace,
// kill kills the helper, and the kernel then kills all processes of the PID namespace.
func (p *Process) kill() {
	p.signal(syscall.SIGQUIT)
	if !p.endsWithin(killGrace) {
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// signal sends a signal to the helper. If this fails, signal kills the helper. It is not an error
// if the helper has already ended.
func (p *Process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.cmd.Process.Kill()
	}
}

func (p *Process) endsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// tail is an io.Writer that keeps the last tailBytes bytes.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
