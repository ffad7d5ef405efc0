package sys

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Thread names the calling OS thread to the kernel; the caller must have
// locked its goroutine to it.
func Thread() int { return unix.Gettid() }

// BecomeGenerator makes the calling, locked thread fit for a trial: on one
// core, first in line for it, and deaf to every signal but the one that ends
// the trial. The thread is not to be used for anything else afterwards.
func BecomeGenerator(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin the generator to cpu %d: %w", cpu, err)
	}
	// SCHED_FIFO would be throttled by the kernel's fair server, 50 ms in every second.
	if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -20); err != nil {
		return fmt.Errorf("raise the generator's priority: %w", err)
	}
	var mask unix.Sigset_t
	for i := range mask.Val {
		mask.Val[i] = ^uint64(0)
	}
	const word = 64
	mask.Val[(unix.SIGURG-1)/word] &^= 1 << ((unix.SIGURG - 1) % word)
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil); err != nil {
		return fmt.Errorf("block signals for the generator: %w", err)
	}
	return nil
}

// Interrupt ends a system call of a thread of this process with EINTR. SIGURG
// means nothing to a Go program that did not ask for it.
func Interrupt(thread int) error {
	return unix.Tgkill(unix.Getpid(), thread, unix.SIGURG)
}

// StartTethered starts cmd on cpus, without a namespace of its own; the kernel
// kills it when this process ends in whatever way.
func StartTethered(cmd *exec.Cmd, cpus []int) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL, Setsid: true}
	result := make(chan error, 1)
	tether() <- func() {
		if err := SetAffinity(0, cpus); err != nil {
			result <- err
			return
		}
		result <- cmd.Start()
	}
	return <-result
}

// BecomeIdle puts every thread of this process under SCHED_IDLE: it runs only
// when nothing else wants the core (sched(7)).
func BecomeIdle() error {
	return eachThread(func(tid int) error {
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
		if err := unix.SchedSetAttr(tid, &attr, 0); err != nil {
			return fmt.Errorf("SCHED_IDLE: %w", err)
		}
		return nil
	})
}

// SharedPage makes a page of memory that a child may map too, through the file.
func SharedPage() (*os.File, []byte, error) {
	fd, err := unix.MemfdCreate("tunnelbench", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("memfd: %w", err)
	}
	f := os.NewFile(uintptr(fd), "shared page")
	if err := f.Truncate(int64(os.Getpagesize())); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	page, err := MapPage(f)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, page, nil
}

// MapPage maps the first page of f, shared.
func MapPage(f *os.File) ([]byte, error) {
	page, err := unix.Mmap(int(f.Fd()), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map shared page: %w", err)
	}
	return page, nil
}

// UnmapPage undoes MapPage.
func UnmapPage(page []byte) error { return unix.Munmap(page) }

// PinProcess binds every thread of this process, and all that they start, to cpus.
func PinProcess(cpus []int) error {
	return eachThread(func(tid int) error { return SetAffinity(tid, cpus) })
}

// eachThread calls f with every thread of this process, until an error. A thread may end meanwhile.
func eachThread(f func(tid int) error) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := f(tid); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("thread %d: %w", tid, err)
		}
	}
	return nil
}
