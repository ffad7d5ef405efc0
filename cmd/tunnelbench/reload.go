package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/uapi"
)

var reloadVerb = cli.Verb{
	Name: "tunnel reload", Doc: "have a running tunnel read its file again, as SIGHUP does",
	Examples: []string{"tunnel reload --dev wg0"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		dev := set.String("dev", "", "`interface` of the tunnel")
		socket := set.String("control-socket", "", "`path` of the tunnel's control socket (without, /var/run/wireguard/DEV.sock)")
		return func(ctx context.Context, _ cli.Streams) error {
			if (*dev == "") == (*socket == "") {
				return cli.BadUsage("tunnel reload: want --dev NAME or --control-socket PATH")
			}
			err := uapi.Reload(ctx, settings.ControlSocketAt(*socket, *dev))
			switch {
			case errors.Is(err, uapi.ErrRefused):
				return cli.BadInput(err)
			case err != nil:
				return cli.MachineFault(err)
			}
			return nil
		}
	},
}
