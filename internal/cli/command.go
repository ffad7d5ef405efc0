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

// Exit statuses. Scripts rely on them.
const (
	ExitOK        = 0
	exitInternal  = 1
	ExitUsage     = 2
	ExitFinding   = 3
	ExitNoVerdict = 4
	ExitMachine   = 5
)

// Streams are the standard input, output and error of a verb.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Verb is one command of the program. A name of two words, such as "fuzz live", puts the verb into
// a group, or below the verb of the first word, which comes before it.
type Verb struct {
	Name, Doc string
	Args      string // positional arguments as the usage line shows them; empty: none
	Examples  []string
	// Flags defines the verb's options and returns the function that runs the verb.
	Flags func(*pflag.FlagSet) func(context.Context, Streams) error
}

// Section is a titled group of verbs in the help's overview.
type Section struct {
	Title string
	Verbs []Verb
}

// NewRoot returns the root command with all verbs of the overview. It reads from and writes to s.
func NewRoot(overview []Section, s Streams) *cobra.Command {
	root := newGroup("tunnelbench", "measures software tunnels in network namespaces.")
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { help(c, overview) })
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true}) // Execute rewrites "help X" as "X --help"
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
			c := v.command(name, s)
			groups[above].AddCommand(c)
			if !two {
				groups[name] = c // verbs may be below it
			}
		}
	}
	addCompletion(root)
	return root
}

// addCompletion adds cobra's command that prints a shell completion script.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic(err) // cobra always passes a command to this function
	}
	group := newGroup(c.Name(), completionDoc)
	c.Short, c.Args, c.RunE = group.Short, group.Args, group.RunE
}

const completionDoc = "print the completion script of a shell: bash, zsh, fish or powershell"

// newGroup returns a command that only has subcommands.
func newGroup(name, doc string) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: doc, Args: cobra.ArbitraryArgs, SilenceErrors: true, SilenceUsage: true,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}, // report the missing verb first
		RunE:               func(c *cobra.Command, args []string) error { return noVerb(c, args) },
	}
	hideHelp(c.Flags())
	return c
}

// noVerb returns the error for an unknown or missing verb.
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

// command returns the cobra command for the verb.
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

// verbError marks an error returned by a verb. All other errors come from parsing the command line.
type verbError struct{ error }

func (e verbError) Unwrap() error { return e.error }

// errNoCommand is returned for an empty command line; the help is shown instead.
var errNoCommand = errors.New("no command")

// Execute parses the arguments and runs the verb that they name.
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
