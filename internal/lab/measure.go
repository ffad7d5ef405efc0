package lab

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Run is a trial with the readings of the meters before and after it.
type Run struct {
	Plan          loadgen.Plan
	Ledger        loadgen.Ledger
	CutShort      bool          // the context ended while it was sending
	Beside        time.Duration // CPU time that the caller used on the device's cores meanwhile
	before, after Reading
	drops         rfc2544.Drops
	sinks         []counters.Place // the counters of frames that the tester's ports dropped
	reasons       rfc2544.DropReasons
}

// Execute runs a plan between two readings of the meters. It does not check whether the run is valid.
func (s *Setup) Execute(ctx context.Context, p loadgen.Plan) (Run, error) {
	r, err := s.execute(ctx, p)
	if broken := s.whole(); broken != nil {
		return r, cmp.Or(context.Cause(ctx), broken) // a signal may have reached the device, too
	}
	return r, err
}

func (s *Setup) execute(ctx context.Context, p loadgen.Plan) (Run, error) {
	r := Run{Plan: p, sinks: counters.Sinks(s.net.Topology)}
	before, err := counters.Read(s.net)
	if err != nil {
		return r, err
	}
	if s.watch != nil {
		if err := s.watch.Arm(); err != nil {
			return r, err
		}
	}
	r.before = s.Read()
	r.Ledger, err = s.engine.Run(ctx, p)
	r.CutShort = ctx.Err() != nil && r.offered() > 0
	if err != nil && !r.CutShort {
		return r, err
	}
	ended := err
	r.after = s.Read()
	if s.watch != nil {
		if r.reasons, err = s.watch.Disarm(); err != nil {
			return r, err
		}
	}
	s.lab.learn(r.Ledger.Fastest)
	after, err := counters.Read(s.net)
	r.drops = after.Since(before)
	return r, errors.Join(ended, err)
}

// Measure runs one trial. It implements rfc2544.Measurer. If ctx ends during the trial, Measure returns
// what there is of it, and the error of ctx.
func (s *Setup) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	o, _, err := s.MeasureRun(ctx, t)
	return o, err
}

// MeasureRun is Measure; it also returns the run.
func (s *Setup) MeasureRun(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, Run, error) {
	if err := rest(ctx, t.Rest); err != nil {
		return rfc2544.Observation{}, Run{}, err
	}
	r, err := s.trial(ctx, t)
	if err != nil && !r.CutShort {
		return rfc2544.Observation{}, r, err
	}
	return s.Observe(r), r, err
}

// trial executes a plan, with a packet capture if the settings ask for one.
func (s *Setup) trial(ctx context.Context, t rfc2544.Trial) (Run, error) {
	p := s.Plan(t)
	p.Pcap = s.settings.Pcap
	return s.Execute(ctx, p)
}

// Observe returns the observation of a run and classifies it. A run without a second reading of the
// meters, because the device died, is not valid.
func (s *Setup) Observe(r Run) rfc2544.Observation {
	o := r.observation(s.settings.Directions())
	o.CoreSpeed = s.lab.coreSpeed(r)
	o.Reject(r.classify(o)...)
	if !o.Invalid.Has(rfc2544.DUTDied) {
		d := findDisturbances(r.Ledger)
		s.takeDisturbed(&o, r, d)
		s.charge(&o, r, d)
	}
	return o
}

// takeDisturbed adds the clean part of a run and what disturbed the rest. An engine without slices,
// or a kernel that cannot tell programs apart, gives only an account of the whole trial.
func (s *Setup) takeDisturbed(o *rfc2544.Observation, r Run, d disturbances) {
	o.Disturbed = d.reasons
	if r.Ledger.Others == nil {
		o.Disturbed = append(o.Disturbed, s.lab.unaccounted(r)...)
	}
	if r.Ledger.Slices == nil {
		return
	}
	clean := d.clean()
	if r.Ledger.Others == nil && o.Disturbed.Has(rfc2544.OtherPrograms) {
		clean = rfc2544.Clean{} // nobody knows which slices it was
	}
	o.Clean = &clean
}

// rest waits without traffic (RFC 2544 section 23).
func rest(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// offered returns the frames sent, over all streams.
func (r Run) offered() (n uint64) {
	for _, s := range r.Ledger.Streams {
		n += s.Offered
	}
	return n
}

// observation returns the trial's results in the terms of the RFCs.
func (r Run) observation(directions []string) rfc2544.Observation {
	o := rfc2544.Observation{
		IntendedLoad: r.Plan.Load, Duration: r.Ledger.Duration, Paused: r.Ledger.Paused, Stalls: r.Ledger.Stalls,
		Lateness: r.Ledger.Lateness, Latency: r.Ledger.Latency, LatencyQuiet: r.Ledger.LatencyQuiet,
		Variation: r.Ledger.Variation, Drops: slices.Concat(rfc2544.Drops{}, r.drops), DropReasons: r.reasons, Invalid: rfc2544.Reasons{}, Warnings: []string{},
	}
	for i, s := range r.Ledger.Streams {
		if r.CutShort {
			s.Intended = s.Offered // nothing of the rest was to be sent any more
		}
		d := rfc2544.Direction{
			Direction: directions[i], Counts: s.Counts, Latency: s.Latency, LatencyQuiet: s.LatencyQuiet,
		}
		o.Add(s.Counts)
		o.OutOfSequence += s.Gaps
		o.Tags = append(o.Tags, s.Tags...)
		if s.LastLost != nil && (o.LastLost == nil || *s.LastLost > *o.LastLost) {
			o.LastLost = s.LastLost
		}
		if s.Silence != nil && (o.LongestGap == nil || s.Silence.Length > o.LongestGap.Length) {
			o.LongestGap = s.Silence
		}
		if len(directions) > 1 {
			o.Directions = append(o.Directions, d)
		}
	}
	if o.Stalls == nil {
		o.Stalls = []rfc2544.Stall{}
	}
	o.Unexplained = int64(o.Lost) - int64(o.Late) - int64(o.Corrupted) - o.Drops.Sum()
	return o
}
