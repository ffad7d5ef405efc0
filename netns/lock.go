package netns

import (
	"errors"
	"fmt"
	"os"
)

// Held is the lock that allows only one lab at a time on a machine. The kernel releases the lock
// when the last process that holds it ends.
type Held struct {
	files []*os.File
}

// Close releases the lock of this process.
func (h *Held) Close() error {
	var errs []error
	for _, f := range h.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// ErrLocked is wrapped by the error of Lock if another lab is running.
var ErrLocked = errors.New("another lab is running")

// LockedError says who holds the lock. It wraps ErrLocked.
type LockedError struct {
	PID     int    // 0: not in this PID namespace
	Command string // of the process; empty: unknown
}

// Error names the process and says what to do.
func (e LockedError) Error() string {
	who := fmt.Sprintf("pid %d", e.PID)
	if e.PID == 0 {
		who = "in another PID namespace, such as a container's"
	}
	if e.Command != "" {
		who += ": " + e.Command
	}
	return fmt.Sprintf("%v (%s): wait for it, or pass --wait", ErrLocked, who)
}

// Unwrap returns ErrLocked.
func (e LockedError) Unwrap() error { return ErrLocked }
