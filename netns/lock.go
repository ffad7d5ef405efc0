package netns

import (
	"errors"
	"os"
)

// Held is the lock that allows only one lab at a time on a machine. The kernel releases the lock
// when the last process that holds it ends. The lock leaves no file behind.
type Held struct {
	file *os.File
}

// Close releases the lock of this process.
func (h *Held) Close() error { return h.file.Close() }

// ErrLocked is wrapped by the error of Lock if another lab is running.
var ErrLocked = errors.New("another lab is running")
