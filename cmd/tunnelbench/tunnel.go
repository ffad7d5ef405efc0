package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/endfile"
	"github.com/tunnelbench/tunnelbench/reference/lanport"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

var tunnelVerb = cli.Verb{
	Name: "tunnel", Doc: "run one end of the reference tunnel between real hosts",
	Examples: []string{"tunnel --config end.yaml --check", "tunnel --config end.yaml"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		config := set.String("config", "", "`file` with the tunnel's end in YAML, see docs/tunnel.md")
		check := set.Bool("check", false, "read the file and end")
		return func(ctx context.Context, s cli.Streams) error {
			if *config == "" {
				return cli.BadUsage("tunnel: --config FILE is missing")
			}
			file, err := endfile.ReadFile(ctx, *config, net.DefaultResolver)
			if err != nil {
				return cli.BadInput(err)
			}
			if *check {
				return nil
			}
			return runTunnel(ctx, s, file)
		}
	},
}

// runTunnel forwards packets until ctx is done. It prints the counters at the end and on each
// request.
func runTunnel(ctx context.Context, s cli.Streams, file *endfile.File) error {
	file.Config.ExtraProcs = true // this process does nothing but forward
	t, err := reference.New(file.Config)
	if err != nil {
		return cli.MachineFault(file.At(err))
	}
	asked := make(chan os.Signal, 1)
	cli.OnRequest(asked)
	defer signal.Stop(asked)
	done := make(chan error, 1)
	go func() { done <- t.Run(ctx) }()
	kind := "plain"
	if file.Config.Sealed() {
		kind = "sealed"
	}
	fmt.Fprintf(s.Err, "tunnelbench: %s: %s on %s, %d peers, threat model: %s, see docs/tunnel.md\n",
		file.Config.Listen, file.Config.Port, file.Config.Dev, len(file.Config.Peers), kind)
	noteOn(s.Err, file.Config)
	for {
		select {
		case <-asked:
			fmt.Fprintln(s.Err, t.Stats())
		case err := <-done:
			fmt.Fprintln(s.Err, t.Stats())
			return errors.Join(whose(file, err), t.Close())
		}
	}
}

// noteOn prints what an XDP port cannot do where it is.
func noteOn(w io.Writer, cfg settings.Config) {
	ifi, err := net.InterfaceByName(cfg.Dev)
	if err != nil || cfg.Port != settings.XDP {
		return
	}
	if note := lanport.Note(ifi.Index); note != "" {
		fmt.Fprintf(w, "tunnelbench: %s: %s\n", cfg.Dev, note)
	}
}

// whose marks an error about a field of the file, such as an interface that was removed, as this machine's.
func whose(file *endfile.File, err error) error {
	if field := (*settings.FieldError)(nil); errors.As(err, &field) {
		return cli.MachineFault(file.At(err))
	}
	return err
}
