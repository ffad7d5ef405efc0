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
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// OldNames are former names of options. They work, and the help does not show them.
var OldNames = map[string]string{"late": "loss-timeout", "patience": "throttle-budget", "certificate": "self-test"}

// CurrentName is a pflag.NormalizeFunc.
func CurrentName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if current, old := OldNames[name]; old {
		name = current
	}
	return pflag.NormalizedName(name)
}

// LongNames turns -dut, as package flag has it, into --dut. The value of an option stays as
// it is, and so does all that stands behind --.
func LongNames(set *pflag.FlagSet, args []string) []string {
	args = slices.Clone(args)
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if short, ok := strings.CutPrefix(args[i], "-"); ok && len(short) > 1 && short[0] >= 'a' && short[0] <= 'z' {
			args[i] = "-" + args[i]
		}
		name, isLong := strings.CutPrefix(args[i], "--")
		if f := set.Lookup(name); isLong && f != nil && f.NoOptDefVal == "" {
			i++ // the value
		}
	}
	return args
}

// flagError names the nearest option to an unknown one.
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

// hideHelp defines --help, which the help need not explain.
func hideHelp(set *pflag.FlagSet) {
	set.BoolP("help", "h", false, "")
	set.Lookup("help").Hidden = true
}

// flagValues are the values that a shell offers for an option.
func flagValues() map[string][]string {
	var devices []string
	for _, t := range dut.All() {
		devices = append(devices, t.Name)
	}
	return map[string][]string{
		"dut":          devices,
		"engine":       {lab.EngineAuto, lab.EngineXDP, lab.EngineAFPacket},
		"direction":    {rfc2544.Forward, rfc2544.Reverse, rfc2544.Both},
		"ip":           {"4", "6"},
		"wan-offloads": {"on", "off"},
		"format":       append(slices.Clone(reports.Formats), "png"),
	}
}

// completeValues registers the values for the shell's completion.
func completeValues(c *cobra.Command) {
	all := flagValues()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if c.Flags().Lookup(name) == nil || name == "engine" && c.Flags().Lookup("tester-cpus") == nil { // fuzz has other engines
			continue
		}
		if err := c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(all[name], cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(err) // registered twice
		}
	}
}
