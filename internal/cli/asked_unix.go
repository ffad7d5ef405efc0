//go:build !windows

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// OnRequest sends SIGUSR1, the request to print counters, to c.
func OnRequest(c chan<- os.Signal) { signal.Notify(c, syscall.SIGUSR1) }
