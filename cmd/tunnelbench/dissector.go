package main

import (
	"context"
	"io"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reports/dissector"
)

var dissectorVerb = cli.Verb{
	Name: "dissector", Doc: "print a script with which Wireshark shows the plain tunnel and the tester's frames",
	Examples: []string{"dissector > tunnelbench.lua"},
	Flags: func(*pflag.FlagSet) func(context.Context, cli.Streams) error {
		return func(_ context.Context, s cli.Streams) error {
			_, err := io.WriteString(s.Out, dissector.Lua)
			return err
		}
	},
}
