package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// version and commit are set by the Makefile's linker flags.
var version, commit = "devel", ""

var versionVerb = verb{
	name: "version", doc: "print the version",
	examples: []string{"version"},
	flags: func(*pflag.FlagSet) func(context.Context, streams) error {
		return func(_ context.Context, s streams) error {
			t := tool()
			_, err := fmt.Fprintf(s.out, "tunnelbench %s, commit %s, %s\n", t.Version, t.Commit, t.Go)
			return err
		}
	},
}

// tool is this build.
func tool() result.Tool {
	t := result.Tool{Version: version, Commit: commit}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	t.Go = info.GoVersion
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && t.Commit == "" {
			t.Commit = s.Value
		}
	}
	if t.Commit == "" {
		t.Commit = "unknown"
	}
	return t
}
