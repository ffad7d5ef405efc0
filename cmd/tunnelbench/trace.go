package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/trace"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

var traceVerb = cli.Verb{
	Name: "trace", Doc: "follow frames through a device: where they spend their time, and where they are lost",
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		t := &traceFlags{}
		t.trialFlags.addTo(set)
		set.IntVar(&t.every, "every", 0, "follow one frame in `n`, a power of two; 0: as many as there is room for")
		return t.run
	},
}

type traceFlags struct {
	trialFlags
	every int
}

func (f *traceFlags) run(ctx context.Context, s cli.Streams) error {
	device, trial, cfg, err := f.parse()
	if err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	t, err := trace.Run(ctx, l, trace.Plan{Device: device, Trial: trial, Settings: cfg.Settings, Every: f.every, Rounds: 0})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return errors.Join(l.Close(), cli.Said(cli.Say(s.Out, waterfall.Text(&t.Trace))))
}
