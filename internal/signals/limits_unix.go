//go:build unix

package signals

import (
	"os"
	"syscall"
)

// limitRequests are requests to end by a limit on resources (setrlimit(2)): without a handler, Go
// ends the program with a stack trace.
var limitRequests = []os.Signal{syscall.SIGXCPU}

// failures are signals of a write that has failed: the reader of a pipe is gone, or a file has
// reached the limit on its size.
var failures = []os.Signal{syscall.SIGPIPE, syscall.SIGXFSZ}
