package xdp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func (x *Engine) kernelPlan(plans []loadgen.Plan, t loadgen.Turns) bpf.TesterTrialPlan {
	p := plans[0]
	c := p.Pace()
	plan := bpf.TesterTrialPlan{
		Frames: p.Frames(), IntervalQ: c.Interval, Deadline: uint64(p.Duration + loadgen.SendGrace),
		StallLimit: uint64(loadgen.StallLimit), LateLimit: uint64(p.LossTimeout), Tick: uint64(tickPeriod),
		Streams: uint32(len(p.Streams)), First: uint32(p.First() % 2), Lane: uint32(p.Lane), Lanes: uint32(len(plans)), Window: uint32(p.Window), Flows: uint32(p.Flows), Length: uint32(p.Size.OnVeth()),
		TesterCpu: uint32(x.cfg.Tester), Trial: uint32(x.trial), Words: uint32(x.words), FlowRoom: uint32(x.flows), Batch: uint32(p.BatchSize()),
		AttackQ: attackInterval(p.Attack),
		StepAt:  c.StepAt, StepQ: c.Step, GapQ: c.Gap, Burst: uint32(c.Burst), TagFirst: loadgen.Never,
	}
	if p.TagFrom > 0 {
		first, every := p.Tags()
		plan.TagFirst, plan.TagShift = first, uint32(bits.TrailingZeros64(every))
	}
	if p.IPv6 {
		plan.Ipv6 = 1
	}
	if p.Load.IsFlood() {
		plan.Frames, plan.Deadline = x.words*64, uint64(p.Duration)
	}
	if t.Slices > 0 {
		plan.Turn, plan.Quiet, plan.DrainLimit, plan.Turns = uint64(t.Length()), uint64(t.Quiet), uint64(max(loadgen.MaxDrain, p.LossTimeout)), uint32(t.Count(len(plans)))
		plan.Frames, plan.Deadline = x.words*64, uint64(plan.Turns)*(plan.Turn+plan.DrainLimit)
	}
	return plan
}

// prepare begins a new trial: first its number, so that what still arrives of
// the last one is stale, then an empty ledger, then the frames.
func (x *Engine) prepare(plans []loadgen.Plan, t loadgen.Turns) error {
	x.trial++
	o := &x.objects
	resting := bpf.TesterSendState{Done: 1} // the sender rests until all is in place
	if err := errors.Join(o.Sender.Set(resting), o.Plan.Set(x.kernelPlan(plans, t)), x.clearSeen(), x.clearSlices(), o.Started.Set(uint64(0))); err != nil {
		return err
	}
	for _, p := range plans {
		if err := x.putFrames(p); err != nil {
			return err
		}
	}
	return errors.Join(
		o.QuietSince.Set(uint64(0)), o.Lanes.Set([loadgen.MaxLanes]bpf.TesterLaneState{}),
		o.Sent.Set(firstDue(plans)), o.Attack.Set(bpf.TesterAttackState{}), o.Received.Set(&[streams]bpf.TesterStreamReceived{}),
		o.Lateness.Set(&[2]bpf.TesterHistogram{empty, empty}), x.clearDelays(plans),
		o.StallCount.Set(uint64(0)), o.Sender.Set(bpf.TesterSendState{}),
	)
}

// putFrames writes the frames and flows of a plan's streams.
func (x *Engine) putFrames(p loadgen.Plan) error {
	var templates [streams][3072]byte
	if err := x.objects.Template.Get(&templates); err != nil {
		return err
	}
	for i := range p.Streams {
		number := p.First() + i
		template, flows, err := p.StreamFrames(i, int(x.trial))
		if err != nil {
			return err
		}
		copy(templates[number][:], template)
		if err := x.putFlows(flows, number); err != nil {
			return err
		}
	}
	return x.objects.Template.Set(&templates)
}

// clearSeen empties as much of the bitmap as the trial before it can have used.
func (x *Engine) clearSeen() error {
	var sent [streams]bpf.TesterStreamSent
	if err := x.objects.Sent.Get(&sent); err != nil {
		return err
	}
	zero := make([]byte, 1<<16)
	for s := range 2 * x.lanes() {
		at := int64(s) * int64(x.words) * 8
		for left := int64((sent[s].N + 63) / 64 * 8); left > 0; left -= int64(len(zero)) {
			if _, err := x.seen.WriteAt(zero[:min(left, int64(len(zero)))], at); err != nil {
				return fmt.Errorf("clear the ledger: %w", err)
			}
			at += int64(len(zero))
		}
	}
	return nil
}

func (x *Engine) putFlows(flows []loadgen.Flow, stream int) error {
	memory, err := x.objects.Flows.Memory()
	if err != nil {
		return err
	}
	raw := make([]byte, 0, len(flows)*loadgen.FlowLen)
	for _, f := range flows {
		raw = f.Append(raw)
	}
	_, err = memory.WriteAt(raw, int64(stream)*int64(x.flows)*loadgen.FlowLen)
	return err
}

// drain waits for late frames until all frames arrived, no frame arrived for the idle timeout, or
// the loss timeout ends.
func (x *Engine) drain(ctx context.Context, p loadgen.Plan) error {
	var before uint64
	start := time.Now()
	quiet := start
	for time.Since(quiet) < p.IdleTimeout && time.Since(start) < p.Drain {
		var sent [streams]bpf.TesterStreamSent
		var received [streams]bpf.TesterStreamReceived
		if err := errors.Join(x.objects.Sent.Get(&sent), x.objects.Received.Get(&received)); err != nil {
			return err
		}
		var arrived, back, out uint64
		for s := range received {
			r := received[s]
			back += r.Received + r.Late
			arrived += r.Received + r.Late + r.Duplicated + r.Corrupted + r.Stale
			out += sent[s].N
		}
		if back == out {
			return nil
		}
		if arrived != before {
			before, quiet = arrived, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// firstDue is the state of streams that have sent nothing. Two streams take
// turns: the second one's frames are due half an interval after the first one's.
func firstDue(plans []loadgen.Plan) (sent [streams]bpf.TesterStreamSent) {
	for _, p := range plans {
		if len(p.Streams) == 2 {
			sent[p.First()+1].DueQ = loadgen.Interval(p.Load) / 2
		}
	}
	return sent
}

// streams is the number of streams of all lanes that the kernel's half has room for.
const streams = 2 * loadgen.MaxLanes

// counted is what the kernel counted in a trial.
type counted struct {
	state    bpf.TesterSendState
	sent     [streams]bpf.TesterStreamSent
	received [streams]bpf.TesterStreamReceived
	lateness [2]bpf.TesterHistogram
	delays   map[int]*bpf.TesterStreamDelays // by stream, of those in the trial
}

// empty is a histogram without values.
var empty = bpf.TesterHistogram{Min: loadgen.Never}

// clearDelays empties what the streams of the plans will fill.
func (x *Engine) clearDelays(plans []loadgen.Plan) error {
	none := &bpf.TesterStreamDelays{All: empty, Quiet: empty, Longer: empty, Shorter: empty}
	for _, p := range plans {
		for i := range p.Streams {
			if err := x.objects.Delays.Put(uint32(p.First()+i), none); err != nil {
				return fmt.Errorf("clear the delays: %w", err)
			}
		}
	}
	return nil
}

func (x *Engine) readCounted(plans []loadgen.Plan) (*counted, error) {
	o, c := &x.objects, &counted{delays: map[int]*bpf.TesterStreamDelays{}}
	err := errors.Join(o.Sender.Get(&c.state), o.Sent.Get(&c.sent), o.Received.Get(&c.received), o.Lateness.Get(&c.lateness))
	for _, p := range plans {
		for i := range p.Streams {
			d := &bpf.TesterStreamDelays{}
			err = errors.Join(err, o.Delays.Lookup(uint32(p.First()+i), d))
			c.delays[p.First()+i] = d
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return c, nil
}

// duration is how long the kernel was sending, pauses left out.
func (c *counted) duration() time.Duration {
	end := c.state.Done
	switch {
	case c.state.Start == 0:
		return 0
	case end == 0: // interrupted
		end = c.state.LastPoll
	}
	return time.Duration(end - c.state.Start - c.state.Paused)
}

// ledgers reads the counters that the kernel wrote. Traffic has stopped before.
func (x *Engine) ledgers(plans []loadgen.Plan, t loadgen.Turns) ([]loadgen.Ledger, error) {
	c, err := x.readCounted(plans)
	if err != nil {
		return nil, err
	}
	var all []loadgen.Ledger
	for _, p := range plans {
		l, err := x.ledger(p, c)
		if err == nil {
			err = x.addSlices(&l, p, c, t)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// ledger is the ledger of one set-up.
func (x *Engine) ledger(p loadgen.Plan, c *counted) (loadgen.Ledger, error) {
	attacked, err := x.attacked()
	if err != nil {
		return loadgen.Ledger{}, err
	}
	l := loadgen.Ledger{
		Trial: x.trial, Duration: c.duration(), Paused: time.Duration(c.state.Paused), Work: time.Duration(c.state.Work), Attack: attacked,
		Lateness: fromKernel(c.lateness[0]).Distribution(), LatenessQuiet: fromKernel(c.lateness[1]).Distribution(),
	}
	if err := x.readStalls(&l, c.state.Start); err != nil {
		return l, err
	}
	all, quiet, differences := loadgen.NewHistogram(), loadgen.NewHistogram(), loadgen.NewDifferences()
	for i := range p.Streams {
		s := p.First() + i
		d := c.delays[s]
		l.Streams = append(l.Streams, x.streamLedger(p, s, c, l.Stalls))
		all.Merge(fromKernel(d.All))
		quiet.Merge(fromKernel(d.Quiet))
		if p.TagFrom > 0 {
			differences.Merge(loadgen.Differences{Longer: fromKernel(d.Longer), Shorter: fromKernel(d.Shorter)})
		}
	}
	l.Variation = differences.Summary()
	l.Latency, l.LatencyQuiet = all.Distribution(), quiet.Distribution()
	return l, nil
}

// streamLedger is what became of the frames of stream s.
func (x *Engine) streamLedger(p loadgen.Plan, s int, c *counted, stalls []rfc2544.Stall) loadgen.StreamLedger {
	r, d, offered := &c.received[s], c.delays[s], c.sent[s].N
	l := loadgen.StreamLedger{
		Counts: rfc2544.Counts{
			Intended: p.Intended(offered), Offered: offered, Received: r.Received, Lost: offered - r.Received, Late: r.Late,
			Duplicated: r.Duplicated, Reordered: r.Reordered, Corrupted: r.Corrupted, Stale: r.Stale, Foreign: r.Foreign,
		},
		Latency: fromKernel(d.All).Distribution(), LatencyQuiet: fromKernel(d.Quiet).Distribution(),
		Span: time.Duration(r.Last - r.First), Gaps: r.Gaps, Silence: loadgen.SilenceOf(r.SilentFrom, r.Silence, c.state.Start),
	}
	if r.Received+r.Late < offered {
		l.RecordLastLost(p.Pace(), stalls, x.seenWords(s))
	}
	l.RecordFlows(p.Flows, x.seenWords(s))
	if p.TagFrom > 0 {
		l.Tags = p.TagDelays(d.Tags[:], offered)
	}
	return l
}

// seenWords reads the bitmap of a stream's frames, backwards, a page at a time.
func (x *Engine) seenWords(stream int) func(i uint64) uint64 {
	const words = 512
	var page [words * 8]byte
	have := uint64(loadgen.Never)
	return func(i uint64) uint64 {
		if at := i / words; at != have {
			offset := (uint64(stream)*x.words + at*words) * 8
			n := min(words, x.words-at*words) * 8
			if _, err := x.seen.ReadAt(page[:n], int64(offset)); err != nil {
				return loadgen.Never // as if all had come: the ledger's own reading has failed loudly before
			}
			have = at
		}
		return binary.NativeEndian.Uint64(page[i%words*8:])
	}
}

func fromKernel(h bpf.TesterHistogram) *loadgen.Histogram {
	return &loadgen.Histogram{Least: h.Min, Most: h.Max, Counts: h.Counts}
}

func (x *Engine) readStalls(l *loadgen.Ledger, start uint64) error {
	var n uint64
	list := make([]bpf.TesterStall, loadgen.MaxStalls)
	if err := errors.Join(x.objects.StallCount.Get(&n), x.objects.Stalls.Get(&list)); err != nil {
		return fmt.Errorf("read the stalls: %w", err)
	}
	listed := min(n, uint64(len(list)))
	l.StallsBeyond = n - listed
	for _, s := range list[:listed] {
		side := rfc2544.SideDUT
		if s.Tester != 0 {
			side = rfc2544.SideTester
		}
		if s.At < start { // it began before the trial did
			s.Length -= min(s.Length, start-s.At)
			s.At = start
		}
		l.Stalls = append(l.Stalls, rfc2544.Stall{
			At: time.Duration(s.At - start), Length: time.Duration(s.Length), CPU: int(s.Cpu), Side: side,
		})
	}
	return nil
}

// coreWatch is what a core's canary has seen since it started.
type coreWatch struct {
	stolen, probing, fastest time.Duration
	probes                   uint64
}

// probe is the average since before; 0 when there was none.
func (c coreWatch) probe(before coreWatch) time.Duration {
	if c.probes == before.probes {
		return 0
	}
	return (c.probing - before.probing) / time.Duration(c.probes-before.probes)
}

func (x *Engine) watched() (map[int]coreWatch, error) {
	all := make([]bpf.TesterCanary, 1024)
	if err := x.objects.Canaries.Get(&all); err != nil {
		return nil, fmt.Errorf("read the canaries: %w", err)
	}
	out := map[int]coreWatch{}
	for _, cpu := range append([]int{x.cfg.Tester}, x.cfg.DUT...) {
		if cpu < len(all) {
			c := all[cpu]
			out[cpu] = coreWatch{time.Duration(c.Stolen), time.Duration(c.ProbeTime), time.Duration(c.Fastest), c.Probes}
		}
	}
	return out, nil
}

// addCores adds what the canaries saw since before.
func (x *Engine) addCores(l *loadgen.Ledger, before map[int]coreWatch) error {
	now, err := x.watched()
	l.Stolen, l.Probe, l.Fastest = map[int]time.Duration{}, map[int]time.Duration{}, map[int]time.Duration{}
	for cpu, c := range now {
		l.Stolen[cpu] = c.stolen - before[cpu].stolen
		l.Probe[cpu], l.Fastest[cpu] = c.probe(before[cpu]), c.fastest
	}
	return err
}
