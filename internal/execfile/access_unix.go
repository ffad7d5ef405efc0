//go:build unix

package execfile

import (
	"errors"
	"os"
	"syscall"
)

// allowed returns an error if this user may not execute a file that has the permission. For root,
// the cause is the file system.
func allowed(path string) error {
	const execute = 1
	err := syscall.Access(path, execute)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EACCES) && os.Geteuid() == 0:
		return ErrNoExec
	}
	return os.NewSyscallError("access", err)
}
