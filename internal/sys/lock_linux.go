package sys

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// PeerPID returns the process at the other end of a unix socket. Before the connection is
// accepted, this is the listening process (unix(7), SO_PEERCRED).
func PeerPID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err == nil {
		err = credErr
	}
	if err != nil {
		return 0, fmt.Errorf("SO_PEERCRED: %w", err)
	}
	return int(cred.Pid), nil
}

// OpenDevices opens the directory of the kernel's own device file system (devtmpfs). There is only
// one on a machine, whatever a mount namespace shows below /dev.
func OpenDevices() (*os.File, error) {
	return openUnmounted("devtmpfs", "/dev/", ".", unix.O_RDONLY|unix.O_DIRECTORY)
}

// Flock takes the lock of an open file (flock(2)). If another open file has the lock, the error is
// EWOULDBLOCK.
func Flock(f *os.File) error {
	return os.NewSyscallError("flock", unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB))
}

// OpenLock opens the file of a lock, which it makes for its owner only. It follows no symbolic link.
func OpenLock(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
}

// FlockHolder returns the process that took the lock of a file, or 0 if it is not in this PID
// namespace (proc_locks(5)).
func FlockHolder(f *os.File) (int, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	name := fmt.Sprintf("%02x:%02x:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev), stat.Ino)
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0, err
	}
	return flockHolder(string(locks), name), nil
}

// flockHolder looks for the lock of a file in the text of /proc/locks.
func flockHolder(locks, name string) int {
	for line := range strings.Lines(locks) { // 1: FLOCK  ADVISORY  WRITE 31875 00:06:5 0 EOF
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || fields[5] != name {
			continue
		}
		if pid, err := strconv.Atoi(fields[4]); err == nil {
			return max(0, pid)
		}
	}
	return 0
}
