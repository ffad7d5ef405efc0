package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/reports"
)

var reportVerb = verb{
	name: "report", doc: "render results.json again: report.html, charts, table; needs no root",
	args: "results.json...",
	examples: []string{
		"report out/results.json",
		"report --out /tmp/again out/results.json",
		"report --format csv out/results.json",
	},
	flags: func(set *flag.FlagSet) func(context.Context, streams) error {
		out := set.String("out", "", "`directory` for report.html and the charts (default: where the results are)")
		format := set.String("format", "", "write this `format` to stdout, and no page: "+strings.Join(reports.Formats, ", ")+"; of several files, one after the other")
		return func(_ context.Context, s streams) error {
			switch {
			case *format != "":
				return reformat(*format, set.Args(), s)
			case set.NArg() != 1:
				return badUsage("report: give one results.json, or a --format")
			}
			return renderAgain(set.Arg(0), *out, s)
		}
	},
}

// reformat writes runs for other programs.
func reformat(format string, paths []string, s streams) error {
	if !slices.Contains(reports.Formats, format) {
		return badUsage("--format %q: use %s", format, strings.Join(reports.Formats, ", "))
	}
	if len(paths) == 0 {
		return badUsage("report: which results.json?")
	}
	var runs []*reports.Results
	for _, path := range paths {
		r, err := readResults(path)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	data, err := reports.Format(format, runs)
	if err != nil {
		return err
	}
	_, err = s.out.Write(data)
	return err
}

func readResults(path string) (*reports.Results, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError{err}
	}
	defer f.Close()
	results, err := reports.Read(f, path)
	if err != nil {
		return nil, usageError{err}
	}
	return results, nil
}

func renderAgain(path, out string, s streams) error {
	results, err := readResults(path)
	if err != nil {
		return err
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
