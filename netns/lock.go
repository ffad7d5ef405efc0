package netns

import (
	"errors"
	"os"
)

// Held is the lock of the one lab that a machine may run at a time. It goes
// with the processes that hold it; no file is left behind.
type Held struct {
	file *os.File
}

// Close lets the next lab in.
func (h *Held) Close() error { return h.file.Close() }

// ErrLocked is wrapped by the error of Lock when another lab runs.
var ErrLocked = errors.New("another lab is running")
