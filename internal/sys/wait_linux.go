package sys

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Processor says what becomes of a goroutine's processor of the Go scheduler while
// it waits in the kernel.
type Processor bool

const (
	// Kept is for a goroutine with a processor to itself: it waits by a raw
	// system call. Were the runtime told, its monitor would look every 20 us whether the call still
	// sleeps, take the processor away, and have it found again after each packet;
	// on a link with 5,000 packets a second that doubled the cost. In return the goroutine has
	// to let the runtime in when that asks, which it does by a signal, every 10 ms if nothing
	// comes: ppoll ends with EINTR then, and so do socket calls that have a timeout (signal(7)).
	Kept Processor = true
	// Shared is for a goroutine that hands work to other goroutines, which would wait for a
	// processor that is kept.
	Shared Processor = false
)

// letIn is what a waiter does after EINTR: the runtime may want to stop the goroutine.
func letIn() { runtime.Gosched() }

// waitReadable sleeps (ppoll(2)) until the first descriptor of polls is
// readable or the second, an event's, is raised, and reports whether it was the
// event.
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
