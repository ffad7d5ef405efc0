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

// lockName is an abstract unix socket (unix(7)) of the network namespace that
// the lab is started in: the kernel frees it with its last holder.
const lockName = "@tunnelbench.lab"

// Lock takes the machine's lock. If another lab holds it, Lock returns an error
// that names its process, or waits for it until ctx ends.
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

// awaitHolder connects to the socket of the lock's holder. The holder never accepts the connection,
// but the kernel names its pid, and closes the connection when the holder exits. A nil error
// means that the caller should try to take the lock again.
func awaitHolder(ctx context.Context, name string, wait bool) error {
	const patience = time.Second
	dialer := net.Dialer{Timeout: patience}
	c, err := dialer.DialContext(ctx, "unix", name)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil // it went in between
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
	c.Read(make([]byte, 1)) // returns when the holder or ctx ends, and says nothing else
	return nil
}

func lockedBy(pid int) error {
	if pid == 0 {
		return fmt.Errorf("%w: wait for it, or pass --wait", ErrLocked)
	}
	return fmt.Errorf("%w (pid %d): wait for it, or pass --wait", ErrLocked, pid)
}
