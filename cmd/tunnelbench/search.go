package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

var searchVerb = cli.Verb{
	Name: "search", Doc: "MLRsearch (RFC 9971) over recorded trials or a simulated device; needs no root",
	Examples: []string{
		"search --simulate capacity=437kpps,noise=0.01,seed=7 --goal ndr --goal pdr",
		"search --replay trials.jsonl --goal loss=0.005,exceed=0.5,final=1s,sum=21s --json",
	},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		f := &searchFlags{}
		set.StringVar(&f.replay, "replay", "", "`file` of trials as JSON lines, - for standard input: classify without measuring")
		set.StringVar(&f.simulate, "simulate", "", "`spec` of a simulated device to search, such as capacity=437kpps,queue=4096,noise=0.02,seed=7")
		set.Var(&f.goals, "goal", "`goal`, may be repeated: ndr, pdr, rfc2544, quick, or loss=0.005,exceed=0.5,final=1s,sum=21s[,initial=1s,width=0.005,name=x]")
		set.IntVar(&f.size, "size", 64, "frame size in `bytes`, FCS included")
		set.StringVar(&f.min, "min", "1kpps", "lowest `load` of a search")
		set.StringVar(&f.max, "max", "1Mpps", "highest `load` of a search")
		set.BoolVar(&f.json, "json", false, "print JSON")
		return f.run
	},
}

// goalList is the value of the repeatable option --goal.
type goalList []mlrsearch.Goal

func (g *goalList) String() string { return "" }
func (g *goalList) Type() string   { return "goal" }

func (g *goalList) Set(s string) error {
	goal, err := mlrsearch.ParseGoal(s)
	if err != nil {
		return err
	}
	*g = append(*g, goal)
	return nil
}

type searchFlags struct {
	replay, simulate, min, max string
	goals                      goalList
	size                       int
	json                       bool
}

func (f *searchFlags) run(ctx context.Context, s cli.Streams) error {
	switch {
	case (f.replay == "") == (f.simulate == ""):
		return cli.BadUsage("search: give either --replay FILE or --simulate SPEC")
	case len(f.goals) == 0:
		return cli.BadUsage("search: needs at least one --goal, such as --goal pdr")
	case f.replay != "":
		results, err := f.evaluate(ctx, s.In)
		if err != nil {
			return err
		}
		return f.print(s.Out, results)
	}
	return f.search(ctx, s)
}

func (f *searchFlags) evaluate(ctx context.Context, in io.Reader) ([]mlrsearch.GoalResult, error) {
	data, err := bounded.Input(ctx, f.replay, in, mlrsearch.MaxReplay)
	if err != nil {
		return nil, cli.BadInput(err)
	}
	trials, err := mlrsearch.ReadReplay(bytes.NewReader(data))
	if err != nil {
		return nil, cli.BadUsage("%s: %w", f.replay, err)
	}
	return mlrsearch.Evaluate(trials, f.goals), nil
}

func (f *searchFlags) search(ctx context.Context, s cli.Streams) error {
	device, err := simulated.Parse(f.simulate)
	if err != nil {
		return cli.BadInput(err)
	}
	size, err := cli.CheckSize(f.size)
	if err != nil {
		return err
	}
	lowest, err := f.bound("--min", f.min, size)
	if err != nil {
		return err
	}
	highest, err := f.bound("--max", f.max, size)
	if err != nil {
		return err
	}
	if lowest >= highest {
		return cli.BadUsage("search: --min %v must be below --max %v", lowest, highest)
	}
	found, err := rfc2544.Search(ctx, device, rfc2544.SearchConfig{Goals: f.goals, Size: size, Min: lowest, Max: highest})
	if err != nil && ctx.Err() == nil {
		return cli.BadInput(err)
	}
	for _, w := range found.Warnings {
		fmt.Fprintln(s.Err, "tunnelbench:", w)
	}
	if !f.json {
		fmt.Fprintf(s.Out, "%d trials, %v of virtual time\n", len(found.Trials), device.Elapsed())
	}
	return errors.Join(f.print(s.Out, found.Goals), err)
}

func (f *searchFlags) bound(name, text string, size rfc2544.FrameSize) (rfc2544.Rate, error) {
	load, err := rfc2544.ParseLoad(text)
	if err != nil {
		return 0, cli.BadUsage("%s: %w", name, err)
	}
	rate := load.At(size, rfc2544.Gigabit)
	if rate.IsFlood() || rate > loadgen.MaxRate*1000 {
		return 0, cli.BadUsage("%s %s: a search needs a finite load", name, text)
	}
	return rate, nil
}

func (f *searchFlags) print(w io.Writer, results []mlrsearch.GoalResult) error {
	if f.json {
		return json.NewEncoder(w).Encode(mlrsearch.ReplayResult{Goals: results})
	}
	for _, r := range results {
		fmt.Fprintln(w, r)
	}
	return nil
}
