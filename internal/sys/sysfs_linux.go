package sys

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ReadSysfs reads a file of the calling thread's network namespace; rel is relative to /sys. The
// mounted /sys cannot be used: it always shows the namespace in which it was mounted.
func ReadSysfs(rel string) (string, error) {
	f, err := openSysfs(rel, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return "", fmt.Errorf("read /sys/%s: %w", rel, err)
	}
	return string(b), nil
}

// WriteSysfs writes a value to a file below the namespace's /sys.
func WriteSysfs(rel, value string) error {
	f, err := openSysfs(rel, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(value); err != nil {
		return fmt.Errorf("write %q to /sys/%s: %w", value, rel, err)
	}
	return nil
}

func openSysfs(rel string, flags int) (*os.File, error) {
	return openUnmounted("sysfs", "/sys/", rel, flags)
}

// openUnmounted creates a mount without a mount point (fsopen(2), fsmount(2), Linux 5.2) and opens
// a file in it. usual is where the file system is mounted as a rule. The mount disappears when the
// file is closed.
func openUnmounted(kind, usual, rel string, flags int) (*os.File, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("fsopen %s: %w", kind, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, fmt.Errorf("fsconfig %s: %w", kind, err)
	}
	root, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("fsmount %s: %w", kind, err)
	}
	defer unix.Close(root)
	fd, err := unix.Openat(root, rel, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s%s: %w", usual, rel, err)
	}
	return os.NewFile(uintptr(fd), usual+rel), nil
}
