package recipe

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/installation"
	"github.com/tunnelbench/tunnelbench/recipes"
)

// List is the verb recipes list.
var List = cli.Verb{
	Name: "recipes list", Doc: "list the tunnels of other people that can be measured, and which are installed",
	Examples: []string{"recipes list", "recipes list --json"},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		asJSON := set.Bool("json", false, "print one JSON array instead of the table")
		return func(ctx context.Context, s cli.Streams) error {
			known, err := recipes.All()
			if err != nil {
				return cli.BadInput(err)
			}
			entries := make([]entry, len(known))
			for i, r := range known {
				entries[i] = newEntry(r, installation.Usual.Of(ctx, r))
			}
			if *asJSON {
				return json.NewEncoder(s.Out).Encode(entries)
			}
			for i, r := range known {
				entries[i].print(s, r)
			}
			return nil
		}
	},
}

// entry is a recipe in the form of --json.
type entry struct {
	Name      string   `json:"name"`
	About     string   `json:"about"`
	Home      string   `json:"home"`
	Licence   string   `json:"licence"`
	Language  string   `json:"language"`
	Carries   string   `json:"carries"`
	Cannot    []string `json:"cannot,omitempty"`
	Devices   []device `json:"devices"`
	Installed bool     `json:"installed"`
	Version   string   `json:"version,omitempty"`
	Missing   []string `json:"missing,omitempty"` // programs
	Install   source   `json:"install"`
	state     installation.State
}

// source is a recipe's Install in the form of --json.
type source struct {
	Apt   []string `json:"apt,omitempty"`
	Go    []string `json:"go,omitempty"`
	Cargo []string `json:"cargo,omitempty"`
	NPM   []string `json:"npm,omitempty"`
	Build []string `json:"build,omitempty"`
}

// device is a variant in the form of --json.
type device struct {
	Device   string `json:"device"`
	Carrier  string `json:"carrier"`
	Seals    string `json:"seals,omitempty"`           // the cipher
	Overhead int    `json:"overhead_octets,omitempty"` // unknown if it is not there
	Language string `json:"language"`
}

func newEntry(r recipes.Recipe, state installation.State) entry {
	e := entry{
		Name: r.Name, About: r.About, Home: r.Home, Licence: r.Licence, Language: r.Language, Carries: r.Carries, Cannot: r.Cannot,
		Installed: state.Installed(), Version: state.Version, Missing: state.Missing(),
		Install: source(r.Install), state: state,
	}
	for _, v := range r.Variants {
		d := device{Device: r.Device(v), Carrier: v.Carrier, Overhead: v.Overhead, Language: v.Language}
		if v.Sealed() {
			d.Seals = v.Seals
		}
		e.Devices = append(e.Devices, d)
	}
	return e
}

// print prints a line about the recipe, and one for each device.
func (e entry) print(s cli.Streams, r recipes.Recipe) {
	fmt.Fprintf(s.Out, "%s: %s (%s, %s, carries %s; %s)\n", e.Name, e.About, e.Language, e.Licence, e.Carries, verdict(e.state))
	for _, v := range r.Variants {
		cipher := "plain"
		if v.Sealed() {
			cipher = v.Seals
		}
		fmt.Fprintf(s.Out, "  %-36s %-24s over %s\n", r.Device(v), cipher, v.Carrier)
	}
}
