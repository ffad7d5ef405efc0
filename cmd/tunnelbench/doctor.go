package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/lab/doctor"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
)

var doctorVerb = cli.Verb{
	Name: "doctor", Doc: "say what this machine can and cannot do, and how to fix it",
	Examples: []string{"doctor", "doctor --json"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		asJSON := set.Bool("json", false, "print one JSON object with the list of findings")
		return func(ctx context.Context, s cli.Streams) error {
			findings := doctor.Examine(ctx)
			var missing []string
			for _, f := range findings {
				if f.Vital && !f.OK {
					missing = append(missing, f.What)
				}
			}
			said := printFindings(s.Out, findings, *asJSON)
			if len(missing) > 0 {
				return fmt.Errorf("%w: no lab without %s", errors.ErrUnsupported, strings.Join(missing, ", "))
			}
			return cli.Said(said)
		}
	},
}

func printFindings(w io.Writer, findings []doctor.Finding, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(map[string][]doctor.Finding{"findings": findings})
	}
	var text strings.Builder
	for _, f := range findings {
		mark := "ok"
		if !f.OK {
			mark = "NO"
		}
		fmt.Fprintf(&text, "%-3s %-23s %s\n", mark, f.What, cli.OneLine(errors.New(f.Note)))
	}
	_, err := io.WriteString(w, text.String())
	return err
}
