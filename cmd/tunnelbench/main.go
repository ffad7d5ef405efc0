// Command tunnelbench is the laboratory's one binary: a file per verb,
// and command.go that puts them together.
//
//	tunnelbench run --dut vxlan,reference --sizes 64,1518 --out out
//	tunnelbench trial --dut vxlan --size 64 --load 100kpps --duration 5s
//
// Logs go to stderr, data to stdout or files. Exit status: 0 fine, 1 internal
// error, 2 bad usage or input, 3 regression or finding, 4 no verdict, 5 this
// machine cannot do it.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
)

// The exit statuses that scripts may rely on.
const (
	exitOK        = 0
	exitInternal  = 1
	exitUsage     = 2
	exitFinding   = 3
	exitNoVerdict = 4
	exitMachine   = 5
)

// streams are where a verb reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	reexec.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// run runs the command with the given words behind its name and returns the exit status.
func run(ctx context.Context, args []string, s streams) int {
	return status(ctx, execute(ctx, newRoot(s), args), s.err)
}
