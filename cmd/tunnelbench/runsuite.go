package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Files of a run with the RFC's tests: the journal during the run, and the trials after it.
const (
	journalFile = "journal.jsonl"
	trialsFile  = "trials.jsonl"
)

// fitProfile applies the profile to options that the user did not set, and the user's options to
// the profile.
func (f *runFlags) fitProfile(p *suite.Profile) error {
	if len(f.goals) > 0 {
		p.Goals = f.goals
	}
	if p.Suite == nil {
		if f.resume || f.bursts != 0 {
			return cli.BadUsage("--resume and --bursts: for the profiles ci, standard and full, not %s", p.Name)
		}
		return nil
	}
	if f.streams {
		return cli.BadUsage("--streams: not with profile %s: run them with quick", p.Name)
	}
	if f.bursts < 0 || f.bursts > 1000 {
		return cli.BadUsage("--bursts %d: from 1 to 1000", f.bursts)
	}
	tests := p.Suite.WithGoals(p.Goals)
	if f.bursts > 0 {
		tests = tests.WithBursts(f.bursts)
	}
	p.Suite = &tests
	if !f.set.Changed("direction") && p.Direction != "" {
		f.lab.Direction = p.Direction
	}
	if !f.set.Changed("loss-timeout") && p.Late != 0 {
		f.lab.Late = p.Late
	}
	p.Late = f.lab.Late
	return nil
}

// settings returns all user settings that influence a trial, as one line.
func (f *runFlags) settings() string {
	var all []string
	f.set.VisitAll(func(o *pflag.Flag) {
		if !slices.Contains([]string{"out", "resume", "estimate", "wait", "self-test", "metrics"}, o.Name) {
			all = append(all, o.Name+"="+o.Value.String())
		}
	})
	for _, g := range f.goals {
		all = append(all, fmt.Sprintf("goal=%+v", g))
	}
	return strings.Join(all, " ")
}

func (f *runFlags) openJournal(ctx context.Context, plan *suite.Plan, l *lab.Lab, r *result.Results) (err error) {
	if plan.Profile.Suite == nil {
		return nil
	}
	plan.Journal, err = suite.OpenJournal(ctx, filepath.Join(f.out, journalFile), suite.JournalKey{
		Kernel: r.Host.Kernel, Commit: r.Tool.Version + " " + r.Tool.Commit, CPUPlan: l.CPUPlan().String(), Settings: f.settings(),
	}, f.resume)
	return err
}

// closeJournal renames the journal of a finished run to its trials file. It keeps the journal of an
// interrupted run for --resume.
func (f *runFlags) closeJournal(j *suite.Journal, over bool, s cli.Streams) error {
	switch {
	case j == nil:
		return nil
	case !over:
		fmt.Fprintf(s.Err, "%s holds every trial so far: go on with --resume\n", filepath.Join(f.out, journalFile))
		return j.Close()
	}
	if j.Waiting > 0 {
		fmt.Fprintf(s.Err, "resumed: %d of %d recorded trials did not have to be measured again\n", j.Replayed, j.Waiting)
	}
	return j.Finish(filepath.Join(f.out, trialsFile))
}
