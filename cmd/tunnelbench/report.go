package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/inputs"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

var reportVerb = cli.Verb{
	Name: "report", Doc: "render results.json again, or several into one page: report.html, charts, table; also trace.json, interop.json, behaviour.json and field.json; needs no root",
	Args: "results.json|DIR...",
	Examples: []string{
		"report out/results.json",
		"report --out all out/results.json other/results.json out/fuzz/fuzz.json",
		"report --format csv out/results.json",
		"report --history history.jsonl",
	},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		out := set.String("out", "", "`directory` for report.html and the charts (default: where the results are)")
		format := set.String("format", "", "write this `format` to stdout, and no page: "+strings.Join(reports.Formats(), ", ")+"; or png: the charts alone, into --out")
		history := set.String("history", "", "draw this `file` of a gate's history instead, with change points: history.html")
		return func(ctx context.Context, s cli.Streams) error {
			if *history != "" && (set.NArg() > 0 || *format != "") {
				return cli.BadUsage("report: --history %s is drawn alone: give no results and no --format", *history)
			}
			if *history != "" {
				return drawHistory(ctx, *history, *out, s)
			}
			if *format != "" && *format != pngFormat && !slices.Contains(reports.Formats(), *format) {
				return cli.BadUsage("--format %q: use %s, or %s", *format, strings.Join(reports.Formats(), ", "), pngFormat)
			}
			in, paths, err := readInputs(ctx, set.Args())
			switch {
			case err != nil:
				return err
			case *format != "" && len(in.Campaigns) > 0:
				return cli.BadUsage("--format %s: is for results; use fuzz report for a campaign", *format)
			case *format != "" && len(in.Pages) > 0:
				return cli.BadUsage("--format %s: is for results: trace.json, interop.json, behaviour.json and field.json have only their page", *format)
			case *out == "":
				*out = filepath.Dir(paths[0])
			}
			switch *format {
			case "":
				return renderAgain(in, *out, s)
			case pngFormat:
				return redraw(in.Runs, *out, s)
			}
			return reformat(*format, in.Runs, s)
		}
	},
}

// pngFormat writes files and cannot write to stdout.
const pngFormat = "png"

// readInputs reads the files, and those in folders.
func readInputs(ctx context.Context, paths []string) (in *inputs.Inputs, found []string, err error) {
	if i := slices.IndexFunc(paths, suite.IsJournal); i >= 0 {
		return nil, nil, cli.BadUsage("report: %s: is the journal of a run: results.json or %s beside it has the results so far, and run --resume goes on", paths[i], cli.PartialFile)
	}
	if found, err = inputs.In(paths); err == nil {
		in, err = inputs.Read(ctx, found)
	}
	if err != nil {
		return nil, nil, cli.BadInput(err)
	}
	if len(in.Runs) == 0 && (len(in.Pages) == 0 || len(in.Campaigns) > 0) {
		return nil, nil, cli.BadUsage("report: which results.json?")
	}
	names := map[string]bool{}
	for _, p := range in.Pages {
		if names[p.Name] {
			return nil, nil, cli.BadUsage("report: two files would become %s: render them one by one, each with an --out", p.Name)
		}
		names[p.Name] = true
	}
	return in, found, nil
}

// drawHistory writes history.html.
func drawHistory(ctx context.Context, path, out string, s cli.Streams) error {
	if out == "" {
		out = filepath.Dir(path)
	}
	runs, err := gate.ReadHistoryFile(ctx, path, s.Err)
	if err != nil {
		return cli.BadInput(err)
	}
	if err := cli.EnsureDir(out); err != nil {
		return err
	}
	name, err := reports.WriteHistory(runs, out)
	if err != nil {
		return err
	}
	return cli.Say(s.Out, name+"\n")
}

// redraw writes only the charts and prints their paths.
func redraw(runs []*result.Results, out string, s cli.Streams) error {
	if err := cli.EnsureDir(out); err != nil {
		return err
	}
	paths, err := charts.WritePNGs(out, runs...)
	for _, path := range paths {
		fmt.Fprintln(s.Out, path)
	}
	return err
}

// reformat writes the runs in a format for other programs.
func reformat(format string, runs []*result.Results, s cli.Streams) error {
	data, err := reports.Format(format, runs)
	if err != nil {
		return err
	}
	return cli.Say(s.Out, string(data))
}

func renderAgain(in *inputs.Inputs, out string, s cli.Streams) (err error) {
	if err := cli.EnsureDir(out); err != nil {
		return err
	}
	if len(in.Runs) > 0 {
		err = cli.Render(out, s, in.Runs, in.Campaigns)
	}
	for _, p := range in.Pages {
		path := filepath.Join(out, p.Name)
		saved := atomicfile.WriteFile(path, p.HTML, 0o644)
		if saved == nil {
			fmt.Fprintln(s.Err, path)
		}
		err = errors.Join(err, saved)
	}
	for _, r := range in.Runs {
		err = errors.Join(err, cli.Said(reports.WriteText(s.Out, r, cli.Colour(s.Out))))
	}
	for _, p := range in.Pages {
		err = errors.Join(err, cli.Say(s.Out, p.Text))
	}
	return err
}
