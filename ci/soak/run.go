//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// soak runs steps of one program below one folder.
type soak struct {
	program string // absolute path
	dir     string // scripts, a repository and results that steps use; steps have folders of their own
}

// How long a step may take beyond what its verb takes, and its traces to vanish. Both are long,
// because the machine may be busy.
const (
	overtime = 4 * time.Minute
	patience = time.Minute
)

// variable names the step in the environment of all of its processes.
const variable = "TUNNELBENCH_SOAK="

// run runs a step and returns what it violated. Its folder stays if there is anything.
func (k soak) run(ctx context.Context, s step) (violations []string, err error) {
	folder := filepath.Join(k.dir, "step-"+strconv.Itoa(s.number))
	out, temp := filepath.Join(folder, "out"), filepath.Join(folder, "tmp")
	if err := errors.Join(os.MkdirAll(out, 0o755), os.MkdirAll(temp, 0o755)); err != nil {
		return nil, err
	}
	remove, err := s.disks(ctx, out, temp)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	before, err := observe()
	if err != nil {
		return nil, err
	}
	mark := variable + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(s.number)
	violations, err = k.command(ctx, s, folder, mark)
	if err != nil {
		return nil, err
	}
	left, err := settle(before, mark, patience)
	if err != nil {
		return nil, err
	}
	violations = slices.Concat(violations, left, unreadable(out))
	if files, err := filepath.Glob(temp + "/*"); err == nil && len(files) > 0 {
		violations = append(violations, "temporary files left behind: "+strings.Join(files, ", "))
	}
	if len(violations) == 0 {
		err = errors.Join(remove(), os.RemoveAll(folder))
	}
	return violations, err
}

// disks mounts a small disk where the step needs one.
func (s step) disks(ctx context.Context, out, temp string) (remove func() error, err error) {
	at := map[string]string{fullOut: out, fullTemp: temp}[s.event.name]
	if at == "" {
		return func() error { return nil }, nil
	}
	if err := tool(ctx, "mount", "-t", "tmpfs", "-o", "size="+strconv.Itoa(s.event.number)+"k", "tmpfs", at); err != nil {
		return nil, err
	}
	mounted := true
	return func() error {
		if !mounted {
			return nil
		}
		mounted = false
		return tool(context.WithoutCancel(ctx), "umount", "--lazy", at)
	}, nil
}

func tool(ctx context.Context, name string, args ...string) error {
	if text, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(text)))
	}
	return nil
}

// command runs the step's command with its event and returns what is wrong with its end.
func (k soak) command(ctx context.Context, s step, folder, mark string) ([]string, error) {
	cmd := k.prepare(ctx, s, folder, mark)
	stderr, err := os.Create(filepath.Join(folder, "stderr"))
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	stdout, err := s.stdout(folder)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	other, err := k.happen(ctx, s, cmd.Process, ended, mark)
	if err != nil {
		return nil, err
	}
	hung := false
	select {
	case <-ended:
	case <-time.After(s.verb.long + overtime):
		hung = true
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	violations := other
	if hung {
		violations = append(violations, fmt.Sprintf("does not end within %v", s.verb.long+overtime))
	}
	return append(violations, s.words(cmd.ProcessState, folder)...), nil
}

// prepare returns the step's command, in a process group of its own.
func (k soak) prepare(ctx context.Context, s step, folder, mark string) *exec.Cmd {
	arguments := append([]string{k.program}, strings.Fields(s.verb.args(s.device, filepath.Join(folder, "out")))...)
	if s.event.name == limited {
		arguments = append([]string{"sh", "-c", "ulimit " + limits[s.event.number] + `; exec "$@"`, "sh"}, arguments...)
	}
	cmd := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	cmd.Dir, cmd.Env = k.dir, append(os.Environ(), "TMPDIR="+filepath.Join(folder, "tmp"), mark)
	if s.verb.inSource {
		cmd.Dir = "" // where this program runs
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// stdout opens the step's standard output.
func (s step) stdout(folder string) (*os.File, error) {
	switch s.event.name {
	case fullStdout:
		return os.OpenFile("/dev/full", os.O_WRONLY, 0)
	case noReader:
		r, w, err := os.Pipe()
		if err == nil {
			err = r.Close()
		}
		return w, err
	}
	return os.Create(filepath.Join(folder, "stdout"))
}

// happen makes the step's event happen at its moment, unless the command has ended before: then ended
// still holds its end. It returns what another program did wrong.
func (k soak) happen(ctx context.Context, s step, process *os.Process, ended chan error, mark string) (violations []string, err error) {
	moment := time.NewTimer(s.after)
	defer moment.Stop()
	if !slices.Contains([]string{signalled, twice, killed, collision, clockStep}, s.event.name) {
		return nil, nil
	}
	select {
	case err := <-ended:
		ended <- err
		return nil, nil
	case <-moment.C:
	}
	switch s.event.name {
	case signalled, twice:
		_ = process.Signal(requests[s.event.number]) // it may have ended
		if s.event.name == twice {
			time.Sleep(300 * time.Millisecond)
			_ = process.Signal(requests[s.event.number])
		}
	case killed:
		_ = process.Kill()
	case collision:
		return k.collide(ctx, mark)
	case clockStep:
		return nil, stepClock(time.Duration(s.event.number)*time.Second, s.verb.long)
	}
	return nil, nil
}

// collide opens another lab, which has to be refused while the first one is open.
func (k soak) collide(ctx context.Context, mark string) ([]string, error) {
	cmd := exec.CommandContext(ctx, k.program, "trial", "--dut", "plain", "--load", "10kpps", "--duration", "200ms")
	cmd.Dir, cmd.Env = k.dir, append(os.Environ(), mark)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	if status := cmd.ProcessState.ExitCode(); !slices.Contains([]int{fine, noVerdict, noMachine}, status) {
		return []string{fmt.Sprintf("the other lab: exit status %d: %s", status, text)}, nil
	}
	return nil, nil
}

// words returns what is wrong with the exit status and the last words of a command.
func (s step) words(state *os.ProcessState, folder string) (violations []string) {
	status := state.ExitCode()
	if by, ok := state.Sys().(syscall.WaitStatus); ok && by.Signaled() {
		status = bySignal + int(by.Signal())
	}
	if !slices.Contains(s.allowed(), status) {
		violations = append(violations, fmt.Sprintf("exit status %d, want one of %v", status, s.allowed()))
	}
	text, _ := os.ReadFile(filepath.Join(folder, "stderr"))
	said := strings.TrimSpace(string(text))
	last := said[strings.LastIndexByte(said, '\n')+1:]
	silenced := s.event.name == limited && limits[s.event.number] == "-f 0" // standard error is a file
	if status > fine && status < bySignal && !silenced && !strings.Contains(last, "tunnelbench: ") {
		violations = append(violations, fmt.Sprintf("exit status %d, and the last line does not say why: %.200q", status, last))
	}
	for _, trace := range []string{"panic:", "goroutine ", "fatal error:", "SIGSEGV", "DATA RACE"} {
		if strings.Contains(said, trace) {
			violations = append(violations, fmt.Sprintf("a crash: %q in its standard error", trace))
		}
	}
	return violations
}

// stepClock sets the clock of the machine forward or back, and puts it right after a while.
func stepClock(by, after time.Duration) error {
	if err := setClock(time.Now().Add(by)); err != nil {
		return err
	}
	time.Sleep(after)
	return setClock(time.Now().Add(-by))
}

func setClock(to time.Time) error {
	tv := syscall.NsecToTimeval(to.UnixNano())
	return os.NewSyscallError("settimeofday", syscall.Settimeofday(&tv))
}
