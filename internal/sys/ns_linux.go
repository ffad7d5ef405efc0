package sys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// threadNetNS is the calling thread's network namespace. /proc/self/ns/net is the namespace of
// the thread group's leader instead.
const threadNetNS = "/proc/thread-self/ns/net"

// NewNetNS makes an unnamed network namespace. It lives as long as the file is open or a process
// or socket is in it.
func NewNetNS() (*os.File, error) {
	var made *os.File
	err := onBorrowedThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		var err error
		made, err = os.Open(threadNetNS)
		return err
	})
	if err != nil && made != nil {
		made.Close()
		made = nil
	}
	return made, err
}

// InNetNS runs fn on a thread inside the namespace. Files and sockets that fn opens stay in the
// namespace. fn must not start goroutines that have to run inside it.
func InNetNS(target *os.File, fn func() error) error {
	return onBorrowedThread(func() error {
		if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("setns: %w", err)
		}
		return fn()
	})
}

// onBorrowedThread runs fn on a thread of its own and then moves the thread back to its original
// namespace. If that fails, the thread stays locked, so the runtime ends it together with its
// goroutine.
func onBorrowedThread(fn func() error) error {
	result := make(chan error, 1)
	go func() {
		err := errors.New("left without returning")
		defer func() { result <- err }()
		err = borrow(fn)
	}()
	return <-result
}

func borrow(fn func() error) (err error) {
	runtime.LockOSThread()
	home, err := os.Open(threadNetNS)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	defer func() {
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			err = errors.Join(err, fmt.Errorf("setns back: %w", back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return fn()
}

// JoinNetNS moves the calling, locked thread into the namespace and leaves it there.
func JoinNetNS(fd int) error {
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("setns: %w", err)
	}
	return nil
}

// BindNetNS gives the namespace a name in the file system, as ip-netns(8) does. It replaces an
// existing name.
func BindNetNS(ns *os.File, path string) error {
	if err := UnbindNetNS(path); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		return err
	}
	self := "/proc/self/fd/" + strconv.Itoa(int(ns.Fd()))
	if err := unix.Mount(self, path, "", unix.MS_BIND, ""); err != nil {
		return errors.Join(fmt.Errorf("bind %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// UnbindNetNS removes the name. It is no error if there is none.
func UnbindNetNS(path string) error {
	err := unix.Unmount(path, unix.MNT_DETACH)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
