package oracle

import (
	"runtime"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// timed returns the CPU time that f takes. What other programs take of the core does not count.
func timed(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := sys.ThreadCPU()
	f()
	return sys.ThreadCPU() - start
}
