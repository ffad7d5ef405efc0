package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// lockName is the name of an abstract UNIX socket (unix(7)) in the network namespace in which the
// lab was started. The kernel frees the name when the last process closes the socket.
const lockName = "@tunnelbench.lab"

// Lock takes the lock of the machine. If another lab holds the lock and wait is true, Lock waits
// until the lock is free or ctx ends. If wait is false, Lock returns an error that wraps ErrLocked
// and names the process ID of the other lab.
func Lock(ctx context.Context, wait bool) (*Held, error) { return lockAs(ctx, lockName, wait) }

func lockAs(ctx context.Context, name string, wait bool) (*Held, error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		held, err := bindLock(name)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return held, err
		}
		if err := awaitHolder(ctx, name, wait); err != nil {
			return nil, err
		}
	}
}

func bindLock(name string) (*Held, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	defer l.Close()
	file, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return &Held{file: file}, nil
}

// awaitHolder waits until the process that holds the lock ends, or returns an error if wait is
// false. It connects to the socket of that process. The process never accepts the connection, but
// the kernel reports its process ID and closes the connection when the process ends. After a nil
// error the caller should try to take the lock again.
func awaitHolder(ctx context.Context, name string, wait bool) error {
	const patience = time.Second
	dialer := net.Dialer{Timeout: patience}
	c, err := dialer.DialContext(ctx, "unix", name)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil // the other lab has just ended
	}
	if err != nil {
		return lockedBy(0)
	}
	defer c.Close()
	if !wait {
		pid, err := sys.PeerPID(c.(*net.UnixConn))
		if err != nil {
			pid = 0
		}
		return lockedBy(pid)
	}
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	c.Read(make([]byte, 1)) // returns when the other lab or ctx ends
	return nil
}

func lockedBy(pid int) error {
	if pid == 0 {
		return fmt.Errorf("%w: wait for it, or pass --wait", ErrLocked)
	}
	return fmt.Errorf("%w (pid %d): wait for it, or pass --wait", ErrLocked, pid)
}
