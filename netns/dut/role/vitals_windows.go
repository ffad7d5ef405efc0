package role

import (
	"os"
	"syscall"
)

// VitalsSignal is never sent, because the lab does not run on Windows.
const VitalsSignal = syscall.SIGTERM

func notifyRequests(chan<- os.Signal) {}
