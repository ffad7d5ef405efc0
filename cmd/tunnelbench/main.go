// Command tunnelbench is the program of the laboratory. Each verb has its own file; verbs.go lists
// them.
//
//	tunnelbench run --dut vxlan,reference --sizes 64,1518 --out out
//	tunnelbench trial --dut vxlan --size 64 --load 100kpps --duration 5s
//
// Logs go to stderr, data to stdout or files. Exit status: 0 success, 1 internal error, 2 bad usage
// or input, 3 regression or finding, 4 no verdict, 5 fault of this machine.
package main

import (
	"context"
	"os"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/signals"
)

func main() {
	reexec.Main()
	ctx, stop := signals.Context()
	code := run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}

// run runs the program with the given arguments and returns the exit status.
func run(ctx context.Context, args []string, s cli.Streams) int {
	return cli.Main(ctx, overview(), args, s)
}
