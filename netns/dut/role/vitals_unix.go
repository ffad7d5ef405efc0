//go:build !windows

package role

import (
	"os"
	"os/signal"
	"syscall"
)

// VitalsSignal is the signal that requests the vitals of a side.
const VitalsSignal = syscall.SIGUSR1

// notifyRequests sends a value to c at each request for vitals.
func notifyRequests(c chan<- os.Signal) { signal.Notify(c, VitalsSignal) }
