package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/lab/doctor"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
)

var doctorVerb = cli.Verb{
	Name: "doctor", Doc: "say what this machine can and cannot do, and how to fix it",
	Examples: []string{"doctor"},
	Flags: func(*pflag.FlagSet) func(context.Context, cli.Streams) error {
		return func(ctx context.Context, s cli.Streams) error {
			var missing []string
			for _, f := range doctor.Examine(ctx) {
				mark := "ok"
				if !f.OK {
					mark = "NO"
					if f.Vital {
						missing = append(missing, f.What)
					}
				}
				fmt.Fprintf(s.Out, "%-3s %-23s %s\n", mark, f.What, cli.OneLine(errors.New(f.Note)))
			}
			if len(missing) > 0 {
				return fmt.Errorf("%w: no lab without %s", errors.ErrUnsupported, strings.Join(missing, ", "))
			}
			return nil
		}
	},
}
