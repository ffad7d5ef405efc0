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

func (x *Engine) kernelPlan(p loadgen.Plan) bpf.TesterTrialPlan {
	c := p.Pace()
	plan := bpf.TesterTrialPlan{
		Frames: p.Frames(), IntervalQ: c.Interval, Deadline: uint64(p.Duration + loadgen.SendGrace),
		StallLimit: uint64(loadgen.StallLimit), LateLimit: uint64(p.LossTimeout), Slice: uint64(loadgen.StallSlice), Tick: uint64(tickPeriod),
		Streams: uint32(len(p.Streams)), First: uint32(p.First()), Flows: uint32(p.Flows), Length: uint32(p.Size.OnVeth()),
		TesterCpu: uint32(x.cfg.Tester), Trial: uint32(x.trial), Words: uint32(x.words), Batch: uint32(p.BatchSize()),
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
	return plan
}

// prepare begins a new trial: first its number, so that what still arrives of
// the last one is stale, then an empty ledger, then the frames.
func (x *Engine) prepare(p loadgen.Plan) error {
	x.trial++
	o := &x.objects
	resting := bpf.TesterSendState{Done: 1} // the sender rests until all is in place
	if err := errors.Join(o.Sender.Set(resting), o.Plan.Set(x.kernelPlan(p)), x.clearSeen()); err != nil {
		return err
	}
	var templates [2][3072]byte
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
	empty := bpf.TesterHistogram{Min: loadgen.Never}
	pair := [2]bpf.TesterHistogram{empty, empty}
	return errors.Join(
		o.Template.Set(templates), o.QuietSince.Set(uint64(0)),
		o.Sent.Set(firstDue(p)), o.Attack.Set(bpf.TesterAttackState{}), o.Received.Set([2]bpf.TesterStreamReceived{}),
		o.Latency.Set([2][2]bpf.TesterHistogram{pair, pair}), o.Lateness.Set(pair),
		o.Longer.Set(pair), o.Shorter.Set(pair), o.Tags.Set([2][rfc2544.MaxTags]uint64{}),
		o.StallCount.Set(uint64(0)), o.Sender.Set(bpf.TesterSendState{}),
	)
}

// clearSeen empties as much of the bitmap as the trial before it can have used.
func (x *Engine) clearSeen() error {
	var sent [2]bpf.TesterStreamSent
	if err := x.objects.Sent.Get(&sent); err != nil {
		return err
	}
	zero := make([]byte, 1<<16)
	for s := range sent {
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
	_, err = memory.WriteAt(raw, int64(stream)*loadgen.MaxFlows*loadgen.FlowLen)
	return err
}

// drain waits for late frames until all frames arrived, no frame arrived for the idle timeout, or
// the loss timeout ends.
func (x *Engine) drain(ctx context.Context, p loadgen.Plan) error {
	var before uint64
	start := time.Now()
	quiet := start
	for time.Since(quiet) < p.IdleTimeout && time.Since(start) < p.Window {
		var sent [2]bpf.TesterStreamSent
		var received [2]bpf.TesterStreamReceived
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
func firstDue(p loadgen.Plan) (sent [2]bpf.TesterStreamSent) {
	if len(p.Streams) == 2 {
		sent[1].DueQ = loadgen.Interval(p.Load) / 2
	}
	return sent
}

// counted is what the kernel counted in a trial.
type counted struct {
	state           bpf.TesterSendState
	sent            [2]bpf.TesterStreamSent
	received        [2]bpf.TesterStreamReceived
	latency         [2][2]bpf.TesterHistogram
	lateness        [2]bpf.TesterHistogram
	longer, shorter [2]bpf.TesterHistogram
	tags            [2][rfc2544.MaxTags]uint64
}

func (x *Engine) readCounted() (*counted, error) {
	o, c := &x.objects, &counted{}
	err := errors.Join(o.Sender.Get(&c.state), o.Sent.Get(&c.sent), o.Received.Get(&c.received), o.Latency.Get(&c.latency),
		o.Lateness.Get(&c.lateness), o.Longer.Get(&c.longer), o.Shorter.Get(&c.shorter), o.Tags.Get(&c.tags))
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

// ledger reads the counters that the kernel wrote. Traffic has stopped before.
func (x *Engine) ledger(p loadgen.Plan) (loadgen.Ledger, error) {
	c, err := x.readCounted()
	if err != nil {
		return loadgen.Ledger{}, err
	}
	attacked, err := x.attacked()
	if err != nil {
		return loadgen.Ledger{}, err
	}
	l := loadgen.Ledger{
		Trial: x.trial, Duration: c.duration(), Paused: time.Duration(c.state.Paused), Work: time.Duration(c.state.Work), Attack: attacked,
		Lateness: fromKernel(&c.lateness[0]).Distribution(), LatenessQuiet: fromKernel(&c.lateness[1]).Distribution(),
	}
	if err := x.readStalls(&l, c.state.Start); err != nil {
		return l, err
	}
	all, quiet, differences := loadgen.NewHistogram(), loadgen.NewHistogram(), loadgen.NewDifferences()
	for i := range p.Streams {
		s := p.First() + i
		l.Streams = append(l.Streams, x.streamLedger(p, s, c, l.Stalls))
		all.Merge(fromKernel(&c.latency[s][0]))
		quiet.Merge(fromKernel(&c.latency[s][1]))
		if p.TagFrom > 0 {
			differences.Merge(loadgen.Differences{Longer: fromKernel(&c.longer[s]), Shorter: fromKernel(&c.shorter[s])})
		}
	}
	l.Variation = differences.Summary()
	l.Latency, l.LatencyQuiet = all.Distribution(), quiet.Distribution()
	return l, nil
}

// streamLedger is what became of the frames of stream s.
func (x *Engine) streamLedger(p loadgen.Plan, s int, c *counted, stalls []rfc2544.Stall) loadgen.StreamLedger {
	r, offered := &c.received[s], c.sent[s].N
	l := loadgen.StreamLedger{
		Counts: rfc2544.Counts{
			Intended: p.Intended(offered), Offered: offered, Received: r.Received, Lost: offered - r.Received, Late: r.Late,
			Duplicated: r.Duplicated, Reordered: r.Reordered, Corrupted: r.Corrupted, Stale: r.Stale, Foreign: r.Foreign,
		},
		Latency: fromKernel(&c.latency[s][0]).Distribution(), LatencyQuiet: fromKernel(&c.latency[s][1]).Distribution(),
		Span: time.Duration(r.Last - r.First), Gaps: r.Gaps, Silence: loadgen.SilenceOf(r.SilentFrom, r.Silence, c.state.Start),
	}
	if r.Received+r.Late < offered {
		l.RecordLastLost(p.Pace(), stalls, x.seenWords(s))
	}
	if p.TagFrom > 0 {
		l.Tags = p.TagDelays(c.tags[s][:], offered)
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

func fromKernel(h *bpf.TesterHistogram) *loadgen.Histogram {
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

// bookCores adds what the canaries saw since before.
func (x *Engine) bookCores(l *loadgen.Ledger, before map[int]coreWatch) error {
	now, err := x.watched()
	l.Stolen, l.Probe, l.Fastest = map[int]time.Duration{}, map[int]time.Duration{}, map[int]time.Duration{}
	for cpu, c := range now {
		l.Stolen[cpu] = c.stolen - before[cpu].stolen
		l.Probe[cpu], l.Fastest[cpu] = c.probe(before[cpu]), c.fastest
	}
	return err
}

// Probe watches the cores for d without sending and returns the same values as Ledger.Probe.
func (x *Engine) Probe(ctx context.Context, d time.Duration) (map[int]time.Duration, error) {
	before, err := x.watched()
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(d):
	}
	var l loadgen.Ledger
	err = x.bookCores(&l, before)
	return l.Probe, err
}
