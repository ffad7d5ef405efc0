package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/openmetrics"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// version and commit are set by the Makefile's linker flags.
var version, commit = "devel", ""

var versionVerb = cli.Verb{
	Name: "version", Doc: "print the version",
	Examples: []string{"version"},
	Flags: func(*pflag.FlagSet) func(context.Context, cli.Streams) error {
		return func(_ context.Context, s cli.Streams) error {
			t := tool()
			_, err := fmt.Fprintf(s.Out, "tunnelbench %s, commit %s, %s\n", t.Version, t.Commit, t.Go)
			return err
		}
	},
}

// tool returns the identification of this build.
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

// build is this build as metrics name it.
func build() openmetrics.Build {
	t := tool()
	return openmetrics.Build{Version: t.Version, Commit: t.Commit, Go: t.Go}
}
