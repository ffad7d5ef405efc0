package signals

import (
	"os"
	"syscall"
)

var (
	limitRequests []os.Signal
	failures      = []os.Signal{syscall.SIGPIPE}
)
