package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

var listVerb = cli.Verb{
	Name: "list", Doc: "list devices and profiles, and which devices can run here",
	Examples: []string{"list"},
	Flags: func(*pflag.FlagSet) func(context.Context, cli.Streams) error {
		return func(ctx context.Context, s cli.Streams) error {
			fmt.Fprintln(s.Out, "Devices (--dut):")
			for _, t := range dut.All() {
				fmt.Fprintf(s.Out, "  %-16s %-12s %s%s%s\n", t.Name, t.Kind, t.Doc, t.Choices(), canRun(ctx, t))
			}
			fmt.Fprintf(s.Out, "  %-16s %-12s %s\n", "mixed:..", "theirs", "mixed:left=DEVICE,right=DEVICE: another program of the same protocol on each side")
			fmt.Fprintf(s.Out, "  %-16s %-12s %s\n", "recipe:NAME", "theirs", "a tunnel of other people: tunnelbench recipes list")
			fmt.Fprintf(s.Out, "  %-16s %-12s %s\n", "exec:PATH", "yours", "a program or script that follows docs/exec.md")
			fmt.Fprintln(s.Out, "\nProfiles (--profile):")
			for _, p := range suite.Profiles() {
				var goals []string
				for _, g := range p.Goals {
					goals = append(goals, fmt.Sprintf("%s: loss %g, trials of %v, %v in all, width %g", g.Name, g.LossRatio, g.Final, g.Sum, g.Width))
				}
				fmt.Fprintf(s.Out, "  %-16s %s\n", p.Name, strings.Join(goals, "; "))
			}
			return nil
		}
	},
}

func canRun(ctx context.Context, t dut.Tunnel) string {
	err := t.Probe(ctx)
	switch {
	case err == nil:
		return ""
	case os.Geteuid() != 0 && !errors.Is(err, errors.ErrUnsupported):
		return " [needs root to say whether it runs here]"
	}
	return " [cannot run here: " + cli.OneLine(err) + "]"
}
