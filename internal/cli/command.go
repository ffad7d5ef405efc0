package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/kv"
)

// The exit statuses that scripts may rely on.
const (
	ExitOK        = 0
	exitInternal  = 1
	ExitUsage     = 2
	ExitFinding   = 3
	ExitNoVerdict = 4
	ExitMachine   = 5
)

// Streams are where a verb reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Verb is one of the command's verbs; those with a name of two words are below a group.
type Verb struct {
	Name, Doc string
	Args      string // what stands beside the options; empty: nothing
	Examples  []string
	// Flags defines the options and returns what reads them and does the work.
	Flags func(*pflag.FlagSet) func(context.Context, Streams) error
}

// Section is a part of the overview.
type Section struct {
	Title string
	Verbs []Verb
}

// NewRoot makes the command with the verbs of the overview, which reads and writes s.
func NewRoot(overview []Section, s Streams) *cobra.Command {
	root := newGroup("tunnelbench", "measures software tunnels in network namespaces.")
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { help(c, overview) })
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true}) // execute turns help X into X --help
	groups := map[string]*cobra.Command{"": root}
	for _, section := range overview {
		for _, v := range section.Verbs {
			above, name, two := strings.Cut(v.Name, " ")
			if !two {
				above, name = "", v.Name
			}
			if groups[above] == nil {
				groups[above] = newGroup(above, "")
				root.AddCommand(groups[above])
			}
			groups[above].AddCommand(v.command(name, s))
		}
	}
	addCompletion(root)
	return root
}

// addCompletion adds cobra's command that prints a shell's completion script.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err) // cobra calls it otherwise
	}
	group := newGroup(c.Name(), completionDoc)
	c.Short, c.Args, c.RunE = group.Short, group.Args, group.RunE
}

const completionDoc = "print the completion script of a shell: bash, zsh, fish or powershell"

// newGroup makes a command that only has others below it.
func newGroup(name, doc string) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: doc, Args: cobra.ArbitraryArgs, SilenceErrors: true, SilenceUsage: true,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}, // the missing verb matters more
		RunE:               func(c *cobra.Command, args []string) error { return noVerb(c, args) },
	}
	hideHelp(c.Flags())
	return c
}

// noVerb returns the error of a word that is no verb, or of none.
func noVerb(c *cobra.Command, args []string) error {
	var names []string
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			names = append(names, strings.TrimPrefix(below.CommandPath(), c.Root().Name()+" "))
		}
	}
	if len(args) > 0 {
		full := strings.TrimPrefix(c.CommandPath()+" "+args[0], c.Root().Name()+" ")
		if near, ok := kv.Nearest(full, names); ok {
			return BadUsage("%q is not a command, did you mean %s: try tunnelbench --help", full, near)
		}
		return BadUsage("%q is not a command: write one of %s", full, strings.Join(names, ", "))
	}
	return BadUsage("%s: no command: write one of %s", c.Name(), strings.Join(names, ", "))
}

// command makes the verb a cobra command of that name.
func (v Verb) command(name string, s Streams) *cobra.Command {
	var examples strings.Builder
	for _, e := range v.Examples {
		fmt.Fprintln(&examples, "  tunnelbench "+e)
	}
	c := &cobra.Command{Use: strings.TrimSpace(name + " " + v.Args), Short: v.Doc, Example: examples.String(), DisableFlagsInUseLine: true}
	set := c.Flags()
	set.SortFlags = false
	set.SetNormalizeFunc(CurrentName)
	hideHelp(set)
	do := v.Flags(set)
	completeValues(c)
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 && v.Args == "" {
			return BadUsage("%s: unexpected %q: options begin with --", v.Name, args[0])
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := do(c.Context(), s); err != nil {
			return verbError{err}
		}
		return nil
	}
	return c
}

// verbError is an error of a verb's work. All others are of the command line.
type verbError struct{ error }

func (e verbError) Unwrap() error { return e.error }

// errNoCommand is the error of no words at all, for which the help is shown.
var errNoCommand = errors.New("no command")

// Execute runs the command with the words of a command line.
func Execute(ctx context.Context, root *cobra.Command, args []string) error {
	empty := len(args) == 0
	switch {
	case empty:
		args = []string{"--help"}
	case args[0] == "help":
		args = append(slices.Clone(args[1:]), "--help")
	}
	if c, rest, err := root.Find(args); err == nil {
		words := strings.Fields(c.CommandPath())[1:]
		args = append(words, LongNames(c.Flags(), rest)...)
	}
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var own verbError
	switch {
	case err == nil && empty:
		return errNoCommand
	case err != nil && !errors.As(err, &own):
		return BadInput(err)
	}
	return err
}
