//go:build !windows

package dut

import (
	"os"
	"os/signal"
	"syscall"
)

// vitalsSignal is the signal that requests the vitals of a side.
const vitalsSignal = syscall.SIGUSR1

// notifyRequests sends a value to c at each request for vitals.
func notifyRequests(c chan<- os.Signal) { signal.Notify(c, vitalsSignal) }
