package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroup is a titled section of options in a verb's help.
type flagGroup struct {
	Title string
	names []string
}

// flagGroups lists the sections that follow a verb's own options.
var flagGroups = []flagGroup{
	{"Traffic", []string{"size", "sizes", "load", "duration", "direction", "flows", "networks", "ip", "seed", "loss-timeout", "link", "cc"}},
	{"Link between the ends", []string{"wan", "wan-offloads"}},
	{"Search", []string{"profile", "goal", "bursts", "min", "max"}},
	{"Tester and machine", []string{"tester-cpus", "dut-cpus", "engine", "self-test", "wait", "keep"}},
	{"Output", []string{"out", "json", "format", "pcap", "estimate"}},
}

// help prints the description of a command, its options and its examples.
func help(c *cobra.Command, overview []Section) {
	w := c.OutOrStdout()
	if c.HasAvailableSubCommands() && c.Example == "" && c.Name() != "completion" { // a group: verbs have examples
		helpOverview(c, overview, w)
		return
	}
	fmt.Fprintf(w, "%s: %s\n", c.UseLine(), c.Short)
	if c.Long != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.Long))
	}
	helpFlags(c.Flags(), w)
	helpBelow(c, w)
	if c.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s", c.Example)
	}
}

// helpBelow prints the verbs below a verb.
func helpBelow(c *cobra.Command, w io.Writer) {
	if c.Name() == "completion" || !c.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintln(w, "\nMore verbs:")
	for _, below := range c.Commands() {
		fmt.Fprintf(w, "  %-*s %s\n", verbWidth, strings.TrimPrefix(below.CommandPath(), c.Root().Name()+" "), below.Short)
	}
}

// verbWidth is the length of the longest verb.
const verbWidth = len("tunnel genkey")

// helpOverview prints all verbs below c.
func helpOverview(c *cobra.Command, overview []Section, w io.Writer) {
	fmt.Fprintln(w, strings.TrimSpace(c.CommandPath()+" "+c.Short))
	prefix := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), c.Root().Name())+" ", " ")
	for _, section := range overview {
		verbs := slices.DeleteFunc(slices.Clone(section.Verbs), func(v Verb) bool { return !strings.HasPrefix(v.Name, prefix) })
		if len(verbs) > 0 {
			fmt.Fprintf(w, "\n%s:\n", section.Title)
		}
		for _, v := range verbs {
			fmt.Fprintf(w, "  %-*s %s\n", verbWidth, v.Name, v.Doc)
		}
	}
	if !c.HasParent() {
		fmt.Fprintf(w, "  %-*s %s\n", verbWidth, "completion", completionDoc)
	}
	fmt.Fprintln(w, "\ntunnelbench VERB --help shows the options.")
	fmt.Fprintln(w, "Exit status: 0 fine, 1 internal error, 2 bad usage or input, 3 regression or")
	fmt.Fprintln(w, "finding, 4 no verdict, 5 this machine cannot do it.")
}

func helpFlags(set *pflag.FlagSet, w io.Writer) {
	rest := pflag.NewFlagSet("", pflag.ContinueOnError)
	rest.SortFlags = false
	set.VisitAll(func(f *pflag.Flag) {
		if !slices.ContainsFunc(flagGroups, func(g flagGroup) bool { return slices.Contains(g.names, f.Name) }) {
			rest.AddFlag(f)
		}
	})
	helpSection("Options", rest, w)
	for _, g := range flagGroups {
		section := pflag.NewFlagSet("", pflag.ContinueOnError)
		section.SortFlags = false
		for _, name := range g.names {
			if f := set.Lookup(name); f != nil {
				section.AddFlag(f)
			}
		}
		helpSection(g.Title, section, w)
	}
}

// helpSection prints a section of options; it prints nothing if the section is empty.
func helpSection(title string, set *pflag.FlagSet, w io.Writer) {
	const width, indent = 110, "    " // pflag indents for short options, which no verb has
	text := set.FlagUsagesWrapped(width)
	if text == "" {
		return
	}
	fmt.Fprintf(w, "\n%s:\n%s", title, strings.ReplaceAll(strings.TrimPrefix(text, indent), "\n"+indent, "\n"))
}
