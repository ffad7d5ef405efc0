package cli

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/congestion"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/recipes"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// OldNames maps former option names to the current ones. They still work, but the help does not
// list them.
var OldNames = map[string]string{"late": "loss-timeout", "patience": "throttle-budget", "certificate": "self-test"}

// CurrentName replaces a former option name by the current one. It is a pflag.NormalizeFunc.
func CurrentName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if current, old := OldNames[name]; old {
		name = current
	}
	return pflag.NormalizedName(name)
}

// LongNames rewrites -dut, the spelling of package flag, as --dut. It leaves option values and
// everything after "--" unchanged.
func LongNames(set *pflag.FlagSet, args []string) []string {
	args = slices.Clone(args)
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if short, ok := strings.CutPrefix(args[i], "-"); ok && len(short) > 1 && short[0] >= 'a' && short[0] <= 'z' {
			args[i] = "-" + args[i]
		}
		name, isLong := strings.CutPrefix(args[i], "--")
		if f := set.Lookup(name); isLong && f != nil && f.NoOptDefVal == "" {
			i++ // skip the option's value
		}
	}
	return args
}

// flagError adds the most similar known option to an error about an unknown one.
func flagError(c *cobra.Command, err error) error {
	verb := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near, ok := kv.Nearest(unknown.GetSpecifiedName(), names); ok {
			return BadUsage("%s: unknown flag --%s, did you mean --%s: try tunnelbench %s --help", verb, unknown.GetSpecifiedName(), near, verb)
		}
	}
	return BadUsage("%s: %w: try tunnelbench %s --help", verb, err, verb)
}

// hideHelp defines --help and leaves it out of the help text.
func hideHelp(set *pflag.FlagSet) {
	set.BoolP("help", "h", false, "")
	set.Lookup("help").Hidden = true
}

// flagValues returns the values that shell completion offers for each option.
func flagValues() map[string][]string {
	var devices []string
	for _, t := range dut.All() {
		devices = append(devices, t.Name)
	}
	return map[string][]string{
		"dut":          append(devices, recipeDevices()...),
		"engine":       {lab.EngineAuto, lab.EngineXDP, lab.EngineAFPacket},
		"direction":    {rfc2544.Forward, rfc2544.Reverse, rfc2544.Both},
		"ip":           {"4", "6"},
		"wan-offloads": {"on", "off"},
		"cc":           congestion.Available(),
		"format":       append(slices.Clone(reports.Formats()), "png"),
	}
}

// recipeDevices returns the names of the devices that are recipes; none if one of them cannot be read, which the verb says.
func recipeDevices() (names []string) {
	known, _ := recipes.All()
	for _, r := range known {
		for _, v := range r.Variants {
			names = append(names, r.Device(v))
		}
	}
	return names
}

// completeValues registers the values of flagValues for shell completion.
func completeValues(c *cobra.Command) {
	all := flagValues()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if c.Flags().Lookup(name) == nil || name == "engine" && c.Flags().Lookup("tester-cpus") == nil { // the engines of fuzz differ
			continue
		}
		if err := c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(all[name], cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // only possible when registered twice
		}
	}
}
