package dut

import (
	"os"
	"syscall"
)

// vitalsSignal is never sent, because the lab does not run on Windows.
const vitalsSignal = syscall.SIGTERM

func notifyRequests(chan<- os.Signal) {}
