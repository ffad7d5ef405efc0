//go:build !windows

package dut

import (
	"os"
	"os/signal"
	"syscall"
)

// vitalsSignal asks a side for its vitals.
const vitalsSignal = syscall.SIGUSR1

// hearRequests sends a value to c at each request for vitals.
func hearRequests(c chan<- os.Signal) { signal.Notify(c, vitalsSignal) }
