package netns

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// lockPlaces are the places of a lock. A lab takes all that the machine has:
//
//	devices   the kernel's device file system: one for all namespaces; root may mount it
//	files     the first usable one: for labs that see the same /run
//	socket    an abstract UNIX socket (unix(7)): for labs of the same network namespace
type lockPlaces struct {
	devices func() (*os.File, error)
	files   []string
	socket  string
}

var machineLock = lockPlaces{
	devices: sys.OpenDevices,
	files:   []string{"/run/lock/tunnelbench.lock", "/run/tunnelbench.lock"},
	socket:  "@tunnelbench.lab",
}

// Lock takes the lock of the machine. If another lab holds the lock and wait is true, Lock waits
// until the lock is free or ctx ends. If wait is false, Lock returns a LockedError.
func Lock(ctx context.Context, wait bool) (*Held, error) { return machineLock.lock(ctx, wait) }

// lockPoll is the time between two attempts to take the lock.
const lockPoll = 100 * time.Millisecond

func (p lockPlaces) lock(ctx context.Context, wait bool) (*Held, error) {
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		held, err := p.take()
		if !wait || !errors.Is(err, ErrLocked) {
			return held, err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
		}
	}
}

// take takes the lock in every place that the machine has.
func (p lockPlaces) take() (*Held, error) {
	h := &Held{}
	var missing []error
	for _, place := range []func() (*os.File, error){p.takeDevices, p.takeFile, p.takeSocket} {
		f, err := place()
		switch {
		case errors.Is(err, ErrLocked):
			return nil, errors.Join(err, h.Close())
		case err != nil:
			missing = append(missing, err)
		default:
			h.files = append(h.files, f)
		}
	}
	if len(h.files) == 0 {
		return nil, fmt.Errorf("%w: no lock can be taken: %w", errors.ErrUnsupported, errors.Join(missing...))
	}
	return h, nil
}

func (p lockPlaces) takeDevices() (*os.File, error) {
	f, err := p.devices()
	if err != nil {
		return nil, err
	}
	return p.flock(f)
}

// flock takes the lock of an open file. It closes the file if it fails.
func (p lockPlaces) flock(f *os.File) (*os.File, error) {
	err := sys.Flock(f)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = p.holder(f)
	}
	f.Close()
	return nil, err
}

// takeFile locks the first file that is this user's, and writes the holder into it. A file of
// another user is not used: he could hold it for ever.
func (p lockPlaces) takeFile() (*os.File, error) {
	var errs []error
	for _, path := range p.files {
		f, err := openLockFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if f, err = p.flock(f); err == nil {
			if err := f.Truncate(0); err == nil { // what the file says helps people; the lock is what counts
				fmt.Fprintf(f, "%d %s\n", os.Getpid(), commandLine(os.Getpid()))
			}
		}
		return f, err
	}
	return nil, errors.Join(errs...)
}

// openLockFile opens or creates a regular file of this user.
func openLockFile(path string) (*os.File, error) {
	const flags = os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, os.ErrNotExist) {
		// Not O_CREAT alone: fs.protected_regular refuses it for files of others in /run/lock.
		if f, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o600); errors.Is(err, os.ErrExist) {
			f, err = os.OpenFile(path, flags, 0)
		}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid()) {
		err = fmt.Errorf("%s: not a file of this user", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (p lockPlaces) takeSocket() (*os.File, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: p.socket, Net: "unix"})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, p.holder(nil)
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	defer l.Close()
	return l.File()
}

// holder returns the LockedError with what can be known of the other lab. f is the file that it
// has locked; nil: the socket.
func (p lockPlaces) holder(f *os.File) error {
	var e LockedError
	if f != nil {
		e.PID, _ = sys.FlockHolder(f)
	}
	if e.PID == 0 {
		e.PID = p.socketHolder()
	}
	if e.PID != 0 {
		e.Command = commandLine(e.PID)
		return e
	}
	e.Command = p.writtenCommand()
	return e
}

// writtenCommand returns the command line of the holder as the lock file has it; empty if the
// holder has locked no file that can be seen here.
func (p lockPlaces) writtenCommand() (command string) {
	for _, path := range p.files {
		f, err := openLockFile(path)
		if err != nil {
			continue
		}
		defer f.Close()
		if errors.Is(sys.Flock(f), syscall.EWOULDBLOCK) {
			_, command, _ = strings.Cut(firstLine(f), " ") // the process ID is of another namespace
		}
		return command
	}
	return ""
}

// socketHolder returns the process that listens on the socket; 0 if it is not known.
func (p lockPlaces) socketHolder() int {
	const patience = 200 * time.Millisecond
	c, err := net.DialTimeout("unix", p.socket, patience)
	if err != nil {
		return 0
	}
	defer c.Close()
	pid, err := sys.PeerPID(c.(*net.UnixConn))
	if err != nil {
		return 0
	}
	return pid
}

// longestCommand is the number of bytes to which commandLine cuts.
const longestCommand = 100

// commandLine returns the command line of a process, for people.
func commandLine(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return ""
	}
	text := printable(bytes.ReplaceAll(bytes.TrimRight(b, "\x00"), []byte{0}, []byte{' '}))
	if len(text) > longestCommand {
		text = strings.ToValidUTF8(text[:longestCommand], "") + "..."
	}
	return text
}

func firstLine(r io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(r, 2*longestCommand))
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	return printable(line)
}

// printable returns a text of others as part of one line.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(string(b), "?"))
}
