package sys

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tether is the thread that starts children which must not outlive this process. PR_SET_PDEATHSIG
// fires when the thread that forked ends, not when the process ends. So this thread is locked and
// never ends.
var tether = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go routineTether(work)
	return work
})

func routineTether(work <-chan func()) {
	runtime.LockOSThread()
	for fn := range work {
		fn()
	}
}

// StartInit starts cmd on cpus (nil: the CPUs of this process) as the first process of a new PID
// namespace, with its own mount namespace and session. The kernel kills it and all its descendants
// when this process ends, however it ends.
func StartInit(cmd *exec.Cmd, cpus []int) error {
	if cpus == nil {
		all, err := Affinity()
		if err != nil {
			return err
		}
		cpus = all
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		Pdeathsig:  unix.SIGKILL,
		Setsid:     true, // Ctrl-C goes to the lab alone, which then stops everything in order
	}
	result := make(chan error, 1)
	tether() <- func() {
		// The thread is bound before the fork, so every thread of the child inherits the binding.
		if err := SetAffinity(0, cpus); err != nil {
			result <- err
			return
		}
		result <- cmd.Start()
	}
	return <-result
}

// StartDetached starts cmd in its own session, so it gets no terminal signals and outlives this
// process.
func StartDetached(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}

// Inherited returns a descriptor that the parent passed on. It is closed in the caller's own
// children.
func Inherited(fd int) *os.File {
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "inherited")
}

// MountFresh mounts a /proc of the caller's PID namespace and a /sys of the calling thread's
// network namespace. The caller must be alone in its mount namespace.
func MountFresh() error {
	const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", quiet, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", quiet, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	return nil
}

// WaitAny reaps the first child that ends. code is what a shell would report: the exit status, or
// 128 plus the signal number. An error means that no child is left.
func WaitAny() (pid, code int, err error) {
	for {
		var status unix.WaitStatus
		pid, err = unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, 0, err
		case status.Signaled():
			return pid, 128 + int(status.Signal()), nil
		}
		return pid, status.ExitStatus(), nil
	}
}

// KillRest kills every other process of the caller's PID namespace. The caller must be its first
// process.
func KillRest() error {
	if unix.Getpid() != 1 {
		return errors.New("kill the rest: not the first process of a PID namespace")
	}
	if err := unix.Kill(-1, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// ProcessCPU returns the CPU time of a process in ns, including its ended threads (the clock of
// clock_getcpuclockid(3)).
func ProcessCPU(pid int) (time.Duration, error) {
	const schedClock = 2 // CPUCLOCK_SCHED, linux/posix-timers.h
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &ts); err != nil {
		return 0, fmt.Errorf("cpu clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// ThreadCPU returns the CPU time of the calling thread, to which the caller's goroutine is locked.
func ThreadCPU() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) // never fails
	return time.Duration(ts.Nano())
}
