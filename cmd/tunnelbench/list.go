package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

var listVerb = verb{
	name: "list", doc: "list devices and profiles, and which devices can run here",
	examples: []string{"list"},
	flags: func(*pflag.FlagSet) func(context.Context, streams) error {
		return func(ctx context.Context, s streams) error {
			fmt.Fprintln(s.out, "Devices (--dut):")
			for _, t := range dut.All() {
				fmt.Fprintf(s.out, "  %-14s %-12s %s%s%s\n", t.Name, t.Kind, t.Doc, params(t), canRun(ctx, t))
			}
			fmt.Fprintf(s.out, "  %-14s %-12s %s\n", "exec:PATH", "yours", "a program or script that follows docs/exec.md")
			fmt.Fprintln(s.out, "\nProfiles (--profile):")
			for _, p := range suite.Profiles() {
				var goals []string
				for _, g := range p.Goals {
					goals = append(goals, fmt.Sprintf("%s: loss %g, trials of %v, %v in all, width %g", g.Name, g.LossRatio, g.Final, g.Sum, g.Width))
				}
				fmt.Fprintf(s.out, "  %-14s %s\n", p.Name, strings.Join(goals, "; "))
			}
			return nil
		}
	},
}

func params(t dut.Tunnel) string {
	var text strings.Builder
	for _, key := range sortedKeys(t.Params) {
		if t.Params[key] == nil {
			fmt.Fprintf(&text, " (%s=..)", key)
			continue
		}
		fmt.Fprintf(&text, " (%s=%s)", key, strings.Join(t.Params[key], "|"))
	}
	return text.String()
}

func canRun(ctx context.Context, t dut.Tunnel) string {
	err := t.Probe(ctx)
	switch {
	case err == nil:
		return ""
	case os.Geteuid() != 0 && !errors.Is(err, errors.ErrUnsupported):
		return " [needs root to say whether it runs here]"
	}
	return " [cannot run here: " + oneLine(err) + "]"
}
