//go:build linux

package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/signals"
)

//go:embed scripts
var scripts embed.FS

func main() {
	var o options
	flag.DurationVar(&o.time, "time", time.Hour, "begin no step after this time")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()), "seed of all random choices")
	flag.IntVar(&o.from, "from", 1, "number of the first step")
	flag.IntVar(&o.steps, "steps", 0, "number of steps; 0: as many as fit into the time")
	flag.StringVar(&o.program, "program", "bin/tunnelbench", "program under test")
	flag.StringVar(&o.results, "results", "reports/result/testdata/small.json", "results that reports are made of")
	flag.StringVar(&o.dir, "dir", "out/soak", "folder of the steps; those that violate something stay there")
	list(&o.verbs, "verbs", "names of the verbs to draw from, separated by commas; all if empty")
	list(&o.events, "events", "names of the events to draw from, separated by commas; all if empty")
	flag.BoolVar(&o.clocks, "step-clock", false, "step the clock of this machine too, up to a day, and put it right again")
	flag.Parse()
	ctx, stop := signals.Context()
	defer stop()
	violated, err := o.run(ctx)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	case violated > 0:
		os.Exit(3)
	}
}

// list defines a flag that is a list of names.
func list(into *[]string, name, usage string) {
	flag.Func(name, usage, func(text string) error {
		*into = nil
		if text != "" {
			*into = strings.Split(text, ",")
		}
		return nil
	})
}

type options struct {
	time         time.Duration
	seed         uint64
	from, steps  int
	program, dir string
	results      string
	choice
}

// run runs steps until the time is over and returns how many violated something.
func (o options) run(ctx context.Context) (violated int, err error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("opens labs: run it as root")
	}
	if err := o.check(); err != nil {
		return 0, err
	}
	k := soak{}
	if k.program, err = filepath.Abs(o.program); err != nil {
		return 0, err
	}
	if k.dir, err = filepath.Abs(o.dir); err != nil {
		return 0, err
	}
	if err := errors.Join(k.setUp(ctx), k.copyResults(o.results)); err != nil {
		return 0, err
	}
	fmt.Printf("seed %d\n", o.seed)
	begin, number := time.Now(), o.from
	for ; ctx.Err() == nil && time.Since(begin) < o.time && (o.steps == 0 || number < o.from+o.steps); number++ {
		s := o.plan(o.seed, number)
		found, err := k.run(ctx, s)
		if ctx.Err() != nil {
			break
		}
		fmt.Println(s)
		if len(found) > 0 {
			violated++
		}
		for _, what := range found {
			fmt.Printf("  violation: %s\n", what)
		}
		if err != nil {
			return violated, fmt.Errorf("%v: %w", s, err)
		}
	}
	fmt.Printf("%d steps in %v, %d with violations; the same options with --seed %d --from N --steps 1 repeat one\n",
		number-o.from, time.Since(begin).Round(time.Second), violated, o.seed)
	return violated, nil
}
