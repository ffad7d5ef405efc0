package sys

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Processor says whether a goroutine keeps its processor of the Go scheduler (P) while it waits in
// the kernel.
type Processor bool

const (
	// Kept is for a goroutine that has a processor of its own. It waits in a raw system call that
	// the runtime does not know of. Otherwise the runtime's monitor would check every 20 us
	// whether the call still sleeps and take the processor away, and after each packet the
	// goroutine would have to find one again; at 5,000 packets a second this doubled the CPU cost.
	// In return the goroutine has to yield when the runtime asks by a signal, at the latest every
	// 10 ms: then ppoll, and socket calls with a timeout, return EINTR (signal(7)).
	Kept Processor = true
	// Shared is for a goroutine that hands work to other goroutines: they need the processor while
	// it waits.
	Shared Processor = false
)

// letIn lets the runtime stop the goroutine if it wants to. Call it after EINTR.
func letIn() { runtime.Gosched() }

// waitReadable sleeps (ppoll(2)) until the first descriptor of polls is readable or the second
// one, an event, is raised. It reports whether it was the event.
func waitReadable(polls *[2]unix.PollFd, fd int, event *Event, p Processor) (raised bool, err error) {
	polls[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	polls[1] = unix.PollFd{Fd: int32(event.fd), Events: unix.POLLIN}
	for {
		var errno syscall.Errno
		if p == Kept {
			_, _, errno = unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(polls)), uintptr(len(polls)), 0, 0, 0, 0)
		} else {
			_, _, errno = unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(polls)), uintptr(len(polls)), 0, 0, 0, 0)
		}
		switch {
		case errno == syscall.EINTR:
			letIn()
			continue
		case errno != 0:
			return false, os.NewSyscallError("ppoll", errno)
		case polls[1].Revents == 0 && polls[0].Revents&unix.POLLIN == 0:
			return false, os.NewSyscallError("ppoll", syscall.ENETDOWN)
		}
		return polls[1].Revents != 0, nil
	}
}
