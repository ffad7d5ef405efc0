//go:build !windows

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// OnRequest has c hear of SIGUSR1, the request for counters.
func OnRequest(c chan<- os.Signal) { signal.Notify(c, syscall.SIGUSR1) }
