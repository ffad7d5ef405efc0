package sys

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MountGuest mounts what a program expects of a system, for the first process of a machine that has
// nothing but its initial file system.
func MountGuest() error {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}, {"tmpfs", "/run"},
	} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	return nil
}

// LoadModule loads a kernel module from a file (finit_module(2)). It is no error if the module is
// already there. The kernel unpacks a compressed one itself, if it can.
func LoadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags, hint := 0, ""
	if !strings.HasSuffix(path, ".ko") {
		flags, hint = unix.MODULE_INIT_COMPRESSED_FILE, " (a compressed module needs a kernel with CONFIG_MODULE_DECOMPRESS)"
	}
	if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load %s: %w%s", path, err, hint)
	}
	return nil
}

// Restart restarts the machine at once (reboot(2)). It returns only on error.
func Restart() error {
	return os.NewSyscallError("reboot", unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART))
}

// The scheduling classes of the calling thread. Both functions enter the kernel without telling the
// Go runtime, which would otherwise hand the thread's place to another.

// RunFirst makes the calling thread run before every normal one (SCHED_FIFO, sched(7)).
func RunFirst() error { return schedule(unix.SCHED_FIFO, 1) }

// RunLast makes the calling thread run only when no other one wants the core (SCHED_IDLE).
func RunLast() error { return schedule(unix.SCHED_IDLE, 0) }

func schedule(policy uintptr, priority int32) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, 0, policy, uintptr(unsafe.Pointer(&priority))); errno != 0 {
		return os.NewSyscallError("sched_setscheduler", errno)
	}
	return nil
}
