package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/lab"
)

var doctorVerb = verb{
	name: "doctor", doc: "say what this machine can and cannot do, and how to mend it",
	examples: []string{"doctor"},
	flags: func(*pflag.FlagSet) func(context.Context, streams) error {
		return func(ctx context.Context, s streams) error {
			var missing []string
			for _, f := range lab.Examine(ctx) {
				mark := "ok"
				if !f.OK {
					mark = "NO"
					if f.Vital {
						missing = append(missing, f.What)
					}
				}
				fmt.Fprintf(s.out, "%-3s %-22s %s\n", mark, f.What, oneLine(errors.New(f.Note)))
			}
			if len(missing) > 0 {
				return fmt.Errorf("%w: no lab without %s", errors.ErrUnsupported, strings.Join(missing, ", "))
			}
			return nil
		}
	},
}
