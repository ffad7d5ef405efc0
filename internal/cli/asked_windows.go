package cli

import "os"

// OnRequest does nothing: there is no such signal.
func OnRequest(chan<- os.Signal) {}
