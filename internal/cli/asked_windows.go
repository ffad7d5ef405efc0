package cli

import "os"

// OnRequest does nothing: Windows has no SIGUSR1.
func OnRequest(chan<- os.Signal) {}
