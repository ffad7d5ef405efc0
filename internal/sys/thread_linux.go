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

// Thread returns the thread ID of the calling thread. The caller must have locked its goroutine to
// it.
func Thread() int { return unix.Gettid() }

// BecomeGenerator prepares the calling, locked thread for a trial: it binds the thread to one
// core, gives it the highest priority, and blocks every signal except the one that ends the trial.
// Use the thread for nothing else afterwards.
func BecomeGenerator(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin the generator to cpu %d: %w", cpu, err)
	}
	// The kernel's fair server would throttle SCHED_FIFO by 50 ms in every second.
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

// Interrupt makes the blocked system call of a thread of this process return EINTR. It sends
// SIGURG, which Go programs ignore by default.
func Interrupt(thread int) error {
	return unix.Tgkill(unix.Getpid(), thread, unix.SIGURG)
}

// StartTethered starts cmd on cpus in the current namespaces. The kernel kills it when this
// process ends, however it ends.
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

// BecomeIdle sets SCHED_IDLE for every thread of this process: they run only when nothing else
// wants the core (sched(7)).
func BecomeIdle() error {
	return eachThread(func(tid int) error {
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
		if err := unix.SchedSetAttr(tid, &attr, 0); err != nil {
			return fmt.Errorf("SCHED_IDLE: %w", err)
		}
		return nil
	})
}

// SharedMemory returns size bytes of zeroed memory, and a file by which a child can map the same
// memory.
func SharedMemory(size int) (*os.File, []byte, error) {
	fd, err := unix.MemfdCreate("tunnelbench", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("memfd: %w", err)
	}
	f := os.NewFile(uintptr(fd), "shared memory")
	if err := f.Truncate(int64(size)); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	memory, err := MapShared(f, size)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, memory, nil
}

// MapShared maps the first size bytes of f as shared memory.
func MapShared(f *os.File, size int) ([]byte, error) {
	memory, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	return memory, nil
}

// UnmapShared undoes MapShared.
func UnmapShared(memory []byte) error { return unix.Munmap(memory) }

// PinProcess binds every thread of this process, and the threads they start, to cpus.
func PinProcess(cpus []int) error {
	return eachThread(func(tid int) error { return SetAffinity(tid, cpus) })
}

// eachThread calls f with the ID of every thread of this process. It stops at the first error, but
// ignores threads that have ended meanwhile.
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
