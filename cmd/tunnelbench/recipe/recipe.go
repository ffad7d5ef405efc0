// Package recipe has the verbs about tunnels of other people: which there are, whether they are installed, and
// how they get onto this machine.
package recipe

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/installation"
	"github.com/tunnelbench/tunnelbench/recipes"
)

// Check is the verb recipes check.
var Check = cli.Verb{
	Name: "recipes check", Doc: "say which programs of a recipe are where, and their version", Args: "[NAME...]",
	Examples: []string{"recipes check vxlan"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		return func(ctx context.Context, s cli.Streams) error { return check(ctx, s, set.Args()) }
	},
}

// Install is the verb recipes install.
var Install = cli.Verb{
	Name: "recipes install", Doc: "install the programs of a recipe: says what it will run, and asks", Args: "NAME...",
	Examples: []string{"recipes install vxlan --yes"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		yes := set.Bool("yes", false, "do not ask")
		again := set.Bool("again", false, "install what is there already as well, such as when a compiler was missing")
		return func(ctx context.Context, s cli.Streams) error { return install(ctx, s, set.Args(), *yes, *again) }
	},
}

// named returns the recipes of these names; all, if there are none.
func named(names []string) ([]recipes.Recipe, error) {
	if len(names) == 0 {
		all, err := recipes.All()
		if err != nil {
			return nil, cli.BadInput(err)
		}
		return all, nil
	}
	var out []recipes.Recipe
	for _, name := range names {
		r, err := recipes.Find(strings.TrimPrefix(name, recipes.Prefix))
		if err != nil {
			return nil, cli.BadInput(err)
		}
		if !slices.ContainsFunc(out, func(have recipes.Recipe) bool { return have.Name == r.Name }) {
			out = append(out, r)
		}
	}
	return out, nil
}

// check prints what is where. It returns an error of the machine if something is missing.
func check(ctx context.Context, s cli.Streams, names []string) error {
	asked, err := named(names)
	if err != nil {
		return err
	}
	var missing []string
	for _, r := range asked {
		if err := r.Check(); err != nil {
			return cli.BadInput(err)
		}
		state := installation.Usual.Of(ctx, r)
		fmt.Fprintf(s.Out, "%s: %s\n", r.Name, verdict(state))
		for _, p := range state.Programs {
			where := p.Path
			if where == "" {
				where = "missing"
			}
			fmt.Fprintf(s.Out, "  %-20s %s\n", p.Name, where)
		}
		if !state.Installed() {
			missing = append(missing, r.Name)
		}
	}
	if len(missing) > 0 {
		return cli.MachineFault(fmt.Errorf("not installed: run tunnelbench recipes install %s", strings.Join(missing, " ")))
	}
	return nil
}

// verdict says in some words whether a recipe is installed.
func verdict(s installation.State) string {
	switch {
	case s.Installed() && s.Version == "":
		return "installed"
	case s.Installed():
		return "installed, " + s.Version
	case len(s.Missing()) > 0:
		return "not installed: no " + strings.Join(s.Missing(), ", ")
	}
	return "not installed at the version that the recipe names"
}

// install installs what is not there, after it has said what it will run and was told to.
func install(ctx context.Context, s cli.Streams, names []string, yes, again bool) error {
	if len(names) == 0 {
		return cli.BadUsage("recipes install: name a recipe: tunnelbench recipes list shows them")
	}
	asked, err := named(names)
	if err != nil {
		return err
	}
	asked = slices.DeleteFunc(asked, func(r recipes.Recipe) bool { return !again && installation.Usual.Of(ctx, r).Installed() })
	if len(asked) == 0 {
		_, err := fmt.Fprintln(s.Out, "all of it is installed; --again installs it once more")
		return err
	}
	for _, r := range asked {
		fmt.Fprintf(s.Err, "%s:\n", r.Name)
		for _, step := range installation.Usual.Steps(r) {
			fmt.Fprintf(s.Err, "  %s\n", step)
		}
	}
	if os.Geteuid() > 0 {
		return cli.MachineFault(fmt.Errorf("recipes install: needs root: sudo tunnelbench recipes install %s", strings.Join(names, " ")))
	}
	if !yes {
		if err := confirm(s); err != nil {
			return err
		}
	}
	for _, r := range asked {
		if err := installation.Usual.Install(ctx, r, func(step installation.Step) { fmt.Fprintf(s.Err, "+ %s\n", step) }); err != nil {
			return cli.MachineFault(err)
		}
		fmt.Fprintf(s.Out, "%s: %s\n", r.Name, verdict(installation.Usual.Of(ctx, r)))
	}
	return nil
}

// confirm asks whether to go on.
func confirm(s cli.Streams) error {
	if !cli.IsTerminal(s.In) {
		return cli.BadUsage("recipes install: nobody to ask, as the input is no terminal: pass --yes")
	}
	fmt.Fprint(s.Err, "Run this? [y/N] ")
	var answer string
	_, _ = fmt.Fscanln(s.In, &answer) // an empty line is a no
	if !slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)) {
		return cli.BadUsage("recipes install: nothing installed: the answer was no")
	}
	return nil
}
