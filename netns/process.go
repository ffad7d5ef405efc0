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

// Command is what Start runs.
type Command struct {
	Path   string   // looked up in PATH when it has no slash
	Args   []string // without the name of the command itself
	Env    []string // nil: the lab's own
	CPUs   []int    // nil: where the lab may run
	Dir    string   // working directory; empty: the lab's own
	Stdout io.Writer
	Stderr io.Writer
}

// Process is a command that runs inside a namespace, with all its descendants:
// they have a PID namespace, /proc and /sys of their own and end together,
// with the command or with the lab, however the lab ends.
type Process struct {
	name string
	cmd  *exec.Cmd
	tail tail
	done chan struct{} // closed when all are gone; err and usage are set before

	err   error
	usage Usage

	mu       sync.Mutex
	stopping bool
}

// Usage is the CPU time of ended processes as the kernel accounted it. Where
// it has no IRQ time accounting, soft interrupts are billed to whomever they hit.
type Usage struct {
	User, System time.Duration
}

const (
	startLimit = 10 * time.Second
	killGrace  = time.Second // for the helper to kill and reap in order
	tailOctets = 4096
)

// Start runs a command inside the namespace. It returns when the command has
// been executed, or could not be.
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

// explain adds the last that the command wrote to stderr, as one line.
func (p *Process) explain(err error) error {
	said := strings.Join(strings.Fields(p.Stderr()), " ")
	if said == "" {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return fmt.Errorf("%s: %w: %s", p.name, err, said)
}

// Pid is the helper's, the root of all that the command starts; the command
// itself is its first child.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the command and all its descendants have ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns why the command ended by itself, with the end of its stderr. It is nil while the
// command runs, after exit status 0, and after Stop.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// ExitCode is the command's exit status, 128 plus the number for a signal; -1
// while it runs or when its helper was killed.
func (p *Process) ExitCode() int {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// Stderr is the last 4 KiB that the command wrote there.
func (p *Process) Stderr() string { return p.tail.String() }

// Stop ends the command: SIGTERM to it, and after the grace SIGKILL to it and all
// its descendants. It returns when they are gone, with the CPU bill of all of
// them. The error is why the command had ended before, or that it had to be killed.
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

// Kill ends the command and all its descendants by SIGKILL, at once, and returns
// when they are gone.
func (p *Process) Kill() {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.kill()
}

// kill makes the helper kill and reap all processes, or kills the helper with them.
func (p *Process) kill() {
	p.signal(syscall.SIGQUIT)
	if !p.endsWithin(killGrace) {
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// signal ignores errors: it fails only if the process has just ended, which is what the signal is
// for.
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

// tail is a writer that keeps the last octets.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailOctets; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
