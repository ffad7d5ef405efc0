package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/reports"
)

var reportVerb = verb{
	name: "report", doc: "render results.json again: report.html, charts, table; needs no root",
	args: "results.json",
	examples: []string{
		"report out/results.json",
		"report --out /tmp/again out/results.json",
	},
	flags: func(set *flag.FlagSet) func(context.Context, streams) error {
		out := set.String("out", "", "`directory` for report.html and the charts (default: where the results are)")
		return func(_ context.Context, s streams) error {
			if set.NArg() != 1 {
				return badUsage("report: give one results.json")
			}
			return renderAgain(set.Arg(0), *out, s)
		}
	},
}

func renderAgain(path, out string, s streams) error {
	f, err := os.Open(path)
	if err != nil {
		return usageError{err}
	}
	defer f.Close()
	results, err := reports.Read(f, path)
	if err != nil {
		return usageError{err}
	}
	if out == "" {
		out = filepath.Dir(path)
	}
	if err := ensureDir(out); err != nil {
		return err
	}
	if err := reports.WriteText(s.out, results, colour(s.out)); err != nil {
		return err
	}
	return render(out, results, s)
}

// ensureDir makes the output directory, and finds out early that it cannot be
// written.
func ensureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return badUsage("--out: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".tunnelbench-*")
	if err != nil {
		return badUsage("--out: %s is not writable: %w", dir, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}

// render writes the page and the charts.
func render(dir string, results *reports.Results, s streams) error {
	page := filepath.Join(dir, "report.html")
	if err := reports.WriteHTML(page, results); err != nil {
		return err
	}
	charts, err := reports.WritePNGs(dir, results)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%s and %d charts beside it\n", page, len(charts))
	return nil
}

// colour tells whether w is a terminal that wants colours.
func colour(w any) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
