//go:build !windows

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// onRequest has c hear of SIGUSR1, the request for counters.
func onRequest(c chan<- os.Signal) { signal.Notify(c, syscall.SIGUSR1) }
