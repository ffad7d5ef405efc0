package loadgen

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func (x *XDP) kernelPlan(p Plan) bpf.TesterTrialPlan {
	const grace = 20 * time.Millisecond // for the frames that the path made late
	c := p.pace()
	plan := bpf.TesterTrialPlan{
		Frames: p.trial().Frames(), IntervalQ: c.interval, Deadline: uint64(p.Duration + grace),
		StallLimit: uint64(StallLimit), LateLimit: uint64(p.Late), Slice: uint64(stallSlice), Tick: uint64(tickPeriod),
		Streams: uint32(len(p.Streams)), First: uint32(p.first()), Flows: uint32(p.Flows), Length: uint32(p.Size.OnVeth()),
		TesterCpu: uint32(x.cfg.Tester), Trial: uint32(x.trial), Words: uint32(x.words), Batch: uint32(p.BatchSize()),
		AttackQ: attackInterval(p.Attack),
		StepAt:  c.stepAt, StepQ: c.step, GapQ: c.gap, Burst: uint32(c.burst), TagFirst: never,
	}
	if p.Traffic.TagFrom > 0 {
		first, every := p.trial().Tags()
		plan.TagFirst, plan.TagShift = first, uint32(bits.TrailingZeros64(every))
	}
	if p.IPv6 {
		plan.Ipv6 = 1
	}
	if p.Rate.IsFlood() {
		plan.Frames, plan.Deadline = x.words*64, uint64(p.Duration)
	}
	return plan
}

// prepare begins a new trial: first its number, so that what still arrives of
// the last one is stale, then an empty ledger, then the frames.
func (x *XDP) prepare(p Plan) error {
	x.trial++
	o := &x.objects
	resting := bpf.TesterSendState{Done: 1} // the sender rests until all is in place
	if err := errors.Join(o.Sender.Set(resting), o.Plan.Set(x.kernelPlan(p)), x.clearSeen()); err != nil {
		return err
	}
	var templates [2][3072]byte
	for i := range p.Streams {
		number := p.first() + i
		template, flows, err := p.frames(i, int(x.trial))
		if err != nil {
			return err
		}
		copy(templates[number][:], template)
		if err := x.putFlows(flows, number); err != nil {
			return err
		}
	}
	empty := bpf.TesterHistogram{Min: never}
	pair := [2]bpf.TesterHistogram{empty, empty}
	return errors.Join(
		o.Template.Set(templates), o.QuietSince.Set(uint64(0)),
		o.Sent.Set(p.firstDue()), o.Attack.Set(bpf.TesterAttackState{}), o.Received.Set([2]bpf.TesterStreamReceived{}),
		o.Latency.Set([2][2]bpf.TesterHistogram{pair, pair}), o.Lateness.Set(pair),
		o.Longer.Set(pair), o.Shorter.Set(pair), o.Tags.Set([2][rfc2544.MaxTags]uint64{}),
		o.StallCount.Set(uint64(0)), o.Sender.Set(bpf.TesterSendState{}),
	)
}

// clearSeen empties as much of the bitmap as the trial before it can have used.
func (x *XDP) clearSeen() error {
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

func (x *XDP) putFlows(flows []flow, stream int) error {
	memory, err := x.objects.Flows.Memory()
	if err != nil {
		return err
	}
	raw := make([]byte, 0, len(flows)*flowOctets)
	for _, f := range flows {
		raw = f.append(raw)
	}
	_, err = memory.WriteAt(raw, int64(stream)*MaxFlows*flowOctets)
	return err
}

// drain waits for stragglers: until every frame is back, or none came for a
// while, or the window closes.
func (x *XDP) drain(ctx context.Context, p Plan) error {
	var before uint64
	start := time.Now()
	quiet := start
	for time.Since(quiet) < p.Silence && time.Since(start) < p.Window {
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
func (p Plan) firstDue() (sent [2]bpf.TesterStreamSent) {
	if len(p.Streams) == 2 {
		sent[1].DueQ = intervalOf(p.Rate) / 2
	}
	return sent
}

// ledger reads everything the kernel wrote. Traffic has stopped by now.
func (x *XDP) ledger(p Plan) (Ledger, error) {
	o := &x.objects
	var (
		state    bpf.TesterSendState
		sent     [2]bpf.TesterStreamSent
		received [2]bpf.TesterStreamReceived
		latency  [2][2]bpf.TesterHistogram
		lateness [2]bpf.TesterHistogram
		longer   [2]bpf.TesterHistogram
		shorter  [2]bpf.TesterHistogram
		tags     [2][rfc2544.MaxTags]uint64
	)
	err := errors.Join(o.Sender.Get(&state), o.Sent.Get(&sent), o.Received.Get(&received), o.Latency.Get(&latency), o.Lateness.Get(&lateness),
		o.Longer.Get(&longer), o.Shorter.Get(&shorter), o.Tags.Get(&tags))
	if err != nil {
		return Ledger{}, fmt.Errorf("read the ledger: %w", err)
	}
	attacked, err := x.attacked()
	if err != nil {
		return Ledger{}, err
	}
	l := Ledger{
		Trial: x.trial, Paused: time.Duration(state.Paused), Work: time.Duration(state.Work),
		Attack:   attacked,
		Lateness: fromKernel(&lateness[0]).distribution(), LatenessQuiet: fromKernel(&lateness[1]).distribution(),
	}
	if err := x.readStalls(&l, state.Start); err != nil {
		return l, err
	}
	all, quiet, differences := newHistogram(), newHistogram(), newVariation()
	for i := range p.Streams {
		s := p.first() + i
		r := received[s]
		one, oneQuiet := fromKernel(&latency[s][0]), fromKernel(&latency[s][1])
		all.merge(one)
		quiet.merge(oneQuiet)
		stream := StreamLedger{
			Intended: p.intended(sent[s].N), Offered: sent[s].N, Received: r.Received, Late: r.Late,
			Duplicated: r.Duplicated, Reordered: r.Reordered, Corrupted: r.Corrupted, Stale: r.Stale, Foreign: r.Foreign,
			Latency: one.distribution(), LatencyQuiet: oneQuiet.distribution(), Span: time.Duration(r.Last - r.First),
			Gaps: r.Gaps, Silence: silenceOf(r.SilentFrom, r.Silence, state.Start),
		}
		if r.Received+r.Late < sent[s].N {
			stream.bookLast(p.pace(), l.Stalls, x.seenWords(s))
		}
		if p.Traffic.TagFrom > 0 {
			stream.Tags = tagged(tags[s][:], p, sent[s].N)
			differences.merge(variation{fromKernel(&longer[s]), fromKernel(&shorter[s])})
		}
		l.Streams = append(l.Streams, stream)
	}
	l.Variation = differences.summary()
	l.Latency, l.LatencyQuiet = all.distribution(), quiet.distribution()
	if state.Start != 0 {
		end := state.Done
		if end == 0 {
			end = state.LastPoll
		}
		l.Duration = time.Duration(end-state.Start) - l.Paused
	}
	return l, nil
}

// seenWords reads the bitmap of a stream's frames, backwards, a page at a time.
func (x *XDP) seenWords(stream int) func(i uint64) uint64 {
	const words = 512
	var page [words * 8]byte
	have := uint64(never)
	return func(i uint64) uint64 {
		if at := i / words; at != have {
			offset := (uint64(stream)*x.words + at*words) * 8
			n := min(words, x.words-at*words) * 8
			if _, err := x.seen.ReadAt(page[:n], int64(offset)); err != nil {
				return never // as if all had come: the ledger's own reading has failed loudly before
			}
			have = at
		}
		return binary.NativeEndian.Uint64(page[i%words*8:])
	}
}

func fromKernel(h *bpf.TesterHistogram) *histogram {
	return &histogram{least: h.Min, most: h.Max, counts: h.Counts}
}

func (x *XDP) readStalls(l *Ledger, start uint64) error {
	var n uint64
	list := make([]bpf.TesterStall, 4096)
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

func (x *XDP) watched() (map[int]coreWatch, error) {
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
func (x *XDP) bookCores(l *Ledger, before map[int]coreWatch) error {
	now, err := x.watched()
	l.Stolen, l.Probe, l.Fastest = map[int]time.Duration{}, map[int]time.Duration{}, map[int]time.Duration{}
	for cpu, c := range now {
		l.Stolen[cpu] = c.stolen - before[cpu].stolen
		l.Probe[cpu], l.Fastest[cpu] = c.probe(before[cpu]), c.fastest
	}
	return err
}

// Probe watches the cores for a while without sending, and returns what
// Ledger.Probe is for a trial.
func (x *XDP) Probe(ctx context.Context, d time.Duration) (map[int]time.Duration, error) {
	before, err := x.watched()
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(d):
	}
	var l Ledger
	err = x.bookCores(&l, before)
	return l.Probe, err
}
