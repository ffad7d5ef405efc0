package trace

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/waterfall"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The points of a tunnel with a TUN device on each side.
const (
	testerIn = iota
	leftLAN
	leftTUN
	leftWAN
	rightWAN
	rightTUN
	rightLAN
)

var tunnelPlaces = []place{
	testerIn: {Point: waterfall.Point{Node: "tester", Interface: "port1", Kind: waterfall.Taken}},
	leftLAN:  {Point: waterfall.Point{Node: "left", Interface: "lan", Kind: waterfall.In, Device: "veth"}, header: 14},
	leftTUN:  {Point: waterfall.Point{Node: "left", Interface: "tb", Kind: waterfall.Out, Device: tun}},
	leftWAN:  {Point: waterfall.Point{Node: "left", Interface: "wan", Kind: waterfall.Out, Device: "veth"}, header: 14},
	rightWAN: {Point: waterfall.Point{Node: "right", Interface: "wan", Kind: waterfall.In, Device: "veth"}, header: 14},
	rightTUN: {Point: waterfall.Point{Node: "right", Interface: "tb", Kind: waterfall.In, Device: tun}},
	rightLAN: {Point: waterfall.Point{Node: "right", Interface: "lan", Kind: waterfall.Out, Device: "veth"}, header: 14},
}

// log writes events as the kernel does.
type log struct{ events []event }

func (l *log) see(at, seq, point int, skb uint64, segment int) {
	sent := seq * 1000
	l.events = append(l.events, event{time: uint64(at), skb: skb, seq: uint32(seq), age: uint32(at - sent), trial: 7, point: uint16(point), segment: uint16(segment), kind: seen})
}

func (l *log) hide(at, counter, point, length int, skb uint64, segment int) {
	l.events = append(l.events, event{time: uint64(at), skb: skb, seq: uint32(counter), age: noAge, detail: uint32(length), point: uint16(point), segment: uint16(segment), kind: hidden})
}

func (l *log) read(at int, skb uint64) {
	l.events = append(l.events, event{time: uint64(at), skb: skb, kind: read, detail: 99})
}

func (l *log) drop(at int, skb uint64, reason uint32) {
	l.events = append(l.events, event{time: uint64(at), skb: skb, kind: dropped, detail: reason})
}

// named names drop reasons.
func named(reason uint32) string { return map[uint32]string{5: "NO_SOCKET"}[reason] }

// passes returns where a frame was seen when, by the names of the points.
func passes(f *frame) map[string]int64 {
	m := map[string]int64{}
	for _, p := range f.passes {
		m[pointOf(p.point, tunnelPlaces).String()] = p.at
	}
	return m
}

// Two frames become one super-packet on the wan, whose read is the read of both; their addresses are used again.
func TestJoin(t *testing.T) {
	t.Parallel()
	var l log
	for seq := range 2 {
		base := 1000 * seq
		l.see(base+10, seq, leftLAN, 0xa, 0)
		l.see(base+20, seq, leftTUN, 0xa, 0)
		l.read(base+30, 0xa)
	}
	l.see(1040, 0, leftWAN, 0xb, 1)
	l.see(1040, 1, leftWAN, 0xb, 2)
	l.see(1050, 0, rightWAN, 0xb, 1)
	l.see(1050, 1, rightWAN, 0xb, 2)
	l.read(1060, 0xb)
	for seq := range 2 {
		l.see(1070+seq, seq, rightTUN, 0xa, 0)
		l.see(1080+seq, seq, rightLAN, 0xa, 0)
		l.see(1090+seq, seq, testerIn, 0, 0)
	}
	j := join(l.events, tunnelPlaces)
	if len(j.frames) != 2 {
		t.Fatalf("%d frames", len(j.frames))
	}
	want := map[string]int64{
		"left lan in": 10, "left tb out": 20, "left reads tb": 30, "left wan out": 1040, "right wan in": 1050, "right reads wan": 1060,
		"right tb in": 1070, "right lan out": 1080, "tester receives": 1090,
	}
	if diff := cmp.Diff(want, passes(j.frames[0])); diff != "" {
		t.Error(diff)
	}
	s := streamOf(j.frames, pathOf(j.frames, tunnelPlaces, rfc2544.Forward), 0, named)
	var works []waterfall.Work
	for _, h := range s.Hops {
		works = append(works, h.Work)
	}
	if diff := cmp.Diff([]waterfall.Work{waterfall.Link, waterfall.Kernel, waterfall.Queue, waterfall.Process, waterfall.Link, waterfall.Queue, waterfall.Process, waterfall.Kernel, waterfall.Link}, works); diff != "" {
		t.Error(diff)
	}
	if s.Followed != 2 || s.Delivered != 2 || s.Complete != 2 || s.OneWay.Least != 91 || s.OneWay.Most != 1090 {
		t.Errorf("%+v", s)
	}
}

// A frame of an earlier trial does not count; nor does what a packet did at a point where nobody can read it.
func TestJoinLeavesOut(t *testing.T) {
	t.Parallel()
	var l log
	l.see(10, 0, leftLAN, 0xa, 0)
	l.see(1010, 1, leftLAN, 0xb, 0)
	l.events = append(l.events, event{time: 20, seq: 9, trial: 6, point: leftLAN, kind: seen})
	l.see(40, 0, rightLAN, 0xa, 0)
	l.read(50, 0xa)
	j := join(l.events, tunnelPlaces)
	if len(j.frames) != 2 {
		t.Fatalf("%d frames", len(j.frames))
	}
	if diff := cmp.Diff(map[string]int64{"left lan in": 10, "right lan out": 40}, passes(j.frames[0])); diff != "" {
		t.Error(diff)
	}
}

// A loss is in the hop behind the last point, with the kernel's reason, or with none if a process dropped the frame.
func TestLosses(t *testing.T) {
	t.Parallel()
	var l log
	for seq := range 10 {
		base, skb := 1000*seq, uint64(0x100+seq)
		l.see(base+10, seq, leftLAN, skb, 0)
		l.see(base+20, seq, leftTUN, skb, 0)
		if seq == 3 {
			l.drop(base+25, skb, 5)
			continue
		}
		l.read(base+30, skb)
		if seq == 4 {
			continue
		}
		l.see(base+40, seq, leftWAN, skb+0x100, 0)
		l.see(base+50, seq, rightWAN, skb+0x100, 0)
		l.read(base+55, skb+0x100)
		l.see(base+60, seq, rightTUN, skb+0x200, 0)
		l.see(base+70, seq, rightLAN, skb+0x200, 0)
		l.see(base+80, seq, testerIn, 0, 0)
	}
	j := join(l.events, tunnelPlaces)
	s := streamOf(j.frames, pathOf(j.frames, tunnelPlaces, rfc2544.Forward), 0, named)
	lost := map[string][]waterfall.Reason{}
	for _, h := range s.Hops {
		if h.Lost > 0 {
			lost[h.From.String()+" › "+h.To.String()] = h.Reasons
		}
	}
	want := map[string][]waterfall.Reason{
		"left tb out › left reads tb":  {{Name: "NO_SOCKET", Frames: 1}},
		"left reads tb › left wan out": {{Name: waterfall.Unknown, Frames: 1}},
	}
	if diff := cmp.Diff(want, lost); diff != "" {
		t.Error(diff)
	}
	if s.Delivered != 8 || s.Complete != 8 {
		t.Errorf("%d delivered, %d complete", s.Delivered, s.Complete)
	}
	var why []string
	for _, p := range s.Picked {
		why = append(why, p.Why+" "+p.Lost)
	}
	if diff := cmp.Diff([]string{"a usual frame ", "a frame at the 99th percentile ", "one of the slowest ", "one of the slowest ", "one of the slowest ", "lost NO_SOCKET", "lost " + waterfall.Unknown}, why); diff != "" {
		t.Error(diff)
	}
}

// If nothing arrives, a loss is still in the hop behind the last point: here frames die in the right end's process. Frames that were seen nowhere are
// lost between the tester's ports.
func TestNothingArrives(t *testing.T) {
	t.Parallel()
	var l log
	for seq := range 10 {
		l.see(1000*seq+10, seq, leftLAN, 0xa, 0)
		l.see(1000*seq+50, seq, rightWAN, 0xb, 0)
	}
	for _, c := range []struct {
		events []event
		want   []string
	}{{l.events, []string{"right wan in › tester receives 10"}}, {nil, []string{"tester sends › tester receives 10"}}} {
		j := join(c.events, tunnelPlaces)
		s := streamOf(j.frames, pathOf(j.frames, tunnelPlaces, rfc2544.Forward), 0, named)
		s.NeverSeen(10)
		var got []string
		for _, h := range s.Hops {
			if h.Lost > 0 {
				got = append(got, fmt.Sprintf("%v › %v %d", h.From, h.To, h.Lost))
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || s.Followed != 10 || s.Delivered != 0 {
			t.Errorf("%d followed, %d delivered: %s", s.Followed, s.Delivered, diff)
		}
	}
}

// From one veth to another of a node with a process it may be the process, by AF_PACKET or AF_XDP, or the kernel.
func TestWorkOfAProcess(t *testing.T) {
	t.Parallel()
	for _, process := range []bool{false, true} {
		places := slices.Clone(tunnelPlaces)
		for i := range places {
			places[i].process = process && places[i].Node == "left"
		}
		var l log
		l.see(10, 0, leftLAN, 0xa, 0)
		l.see(20, 0, leftWAN, 0xb, 0)
		l.see(30, 0, testerIn, 0, 0)
		j := join(l.events, places)
		want := map[bool]waterfall.Work{false: waterfall.Kernel, true: waterfall.Unseen}[process]
		if got := streamOf(j.frames, pathOf(j.frames, places, rfc2544.Forward), 0, named).Hops[1].Work; got != want {
			t.Errorf("process %v: %s, want %s", process, got, want)
		}
	}
}

// Sealed packets go to the frames by order, past a frame that was lost before it was sealed, a handshake and a keepalive.
func TestUnseal(t *testing.T) {
	t.Parallel()
	for _, counted := range []bool{true, false} {
		var l log
		l.hide(5, 0, leftWAN, 190, 0x900, 0) // a handshake
		counter := 100
		for seq := range 10 {
			base, skb := 1000*seq, uint64(0x100+seq)
			l.see(base+10, seq, leftLAN, skb, 0)
			l.see(base+20, seq, leftTUN, skb, 0)
			if seq == 3 {
				l.drop(base+25, skb, 5)
				continue
			}
			l.read(base+30, skb)
			if seq == 5 {
				l.hide(base+35, counter, leftWAN, 74, 0x901, 0) // a keepalive
				counter++
			}
			number := 0
			if counted {
				number = counter
			}
			l.hide(base+40, number, leftWAN, 138, skb+0x100, 0)
			l.hide(base+50, number, rightWAN, 138, skb+0x100, 0)
			counter++
			l.read(base+55, skb+0x100)
			l.see(base+60, seq, rightTUN, skb+0x200, 0)
			l.see(base+80, seq, testerIn, 0, 0)
		}
		j := join(l.events, tunnelPlaces)
		j.unseal(j.frames, sealedOn(map[int]bool{leftWAN: true, rightWAN: true}, tunnelPlaces, rfc2544.Forward))
		for _, f := range j.frames {
			want := map[string]int64{
				"left lan in": 10, "left tb out": 20, "left reads tb": 30, "left wan out": 40, "right wan in": 50, "right reads wan": 55,
				"right tb in": 60, "tester receives": 80,
			}
			if f.seq == 3 {
				want = map[string]int64{"left lan in": 10, "left tb out": 20}
			}
			if diff := cmp.Diff(want, passes(f)); diff != "" {
				t.Errorf("counted %v, frame %d: %s", counted, f.seq, diff)
			}
		}
		for _, h := range streamOf(j.frames, pathOf(j.frames, tunnelPlaces, rfc2544.Forward), 0, named).Hops {
			sealed := h.From.Interface == "wan" || h.To.Interface == "wan"
			if h.Inferred != sealed {
				t.Errorf("%v › %v: inferred %v", h.From, h.To, h.Inferred)
			}
		}
	}
}

// Over a rekey the counter begins anew: the packets of both sessions go to their own frames.
func TestUnsealOverARekey(t *testing.T) {
	t.Parallel()
	var l log
	for seq := range 10 {
		base, skb := 1000*seq, uint64(0x100+seq)
		l.see(base+10, seq, leftLAN, skb, 0)
		session := uint32(900 - seq/5*700) // the later one has the lower index
		for i, point := range []int{leftWAN, rightWAN} {
			l.hide(base+40+10*i, seq%5, point, 138, skb+0x100, 0)
			l.events[len(l.events)-1].receiver = session
		}
		l.see(base+60, seq, rightTUN, skb+0x200, 0)
		l.see(base+80, seq, testerIn, 0, 0)
	}
	j := join(l.events, tunnelPlaces)
	j.unseal(j.frames, sealedOn(map[int]bool{leftWAN: true, rightWAN: true}, tunnelPlaces, rfc2544.Forward))
	want := map[string]int64{"left lan in": 10, "left wan out": 40, "right wan in": 50, "right tb in": 60, "tester receives": 80}
	for _, f := range j.frames {
		if diff := cmp.Diff(want, passes(f)); diff != "" {
			t.Errorf("frame %d: %s", f.seq, diff)
		}
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stays []stay
		mean  float64
		most  int
	}{
		{nil, 0, 0},
		{[]stay{{5, 5}}, 0, 1},
		{[]stay{{0, 10}}, 1, 1},
		{[]stay{{0, 10}, {10, 10}}, 1, 1},
		{[]stay{{0, 10}, {10, 20}}, 1, 1},
		{[]stay{{0, 10}, {5, 15}, {6, 20}}, 1.7, 3},
	} {
		if mean, most := waiting(c.stays); mean != c.mean || most != c.most {
			t.Errorf("%v: %v, %d; want %v, %d", c.stays, mean, most, c.mean, c.most)
		}
	}
}

// A read that comes before its packet or after what the process wrote is none of this frame's.
func TestReadsOutOfOrder(t *testing.T) {
	t.Parallel()
	var l log
	for seq := range 3 {
		base, skb := 1000*seq, uint64(0x100+seq)
		l.see(base+10, seq, leftWAN, skb, 0)
		l.see(base+50, seq, rightWAN, skb, 0)
		l.see(base+60, seq, rightTUN, skb+0x200, 0)
		l.read(base+55+20*(seq/2), skb) // the last one 15 ns after the write
		l.see(base+80, seq, testerIn, 0, 0)
	}
	j := join(l.events, tunnelPlaces)
	s := streamOf(j.frames, pathOf(j.frames, tunnelPlaces, rfc2544.Forward), 0, named)
	if s.Complete != 2 || s.Delivered != 3 {
		t.Errorf("%d of %d complete", s.Complete, s.Delivered)
	}
	for _, h := range s.Hops {
		if h.Time.Least < 0 {
			t.Errorf("%v › %v takes %d ns", h.From, h.To, h.Time.Least)
		}
	}
}

func TestOvertaken(t *testing.T) {
	t.Parallel()
	var l log
	l.see(500, 0, testerIn, 0, 0)
	l.see(2600, 1, testerIn, 0, 0)
	l.see(2500, 2, testerIn, 0, 0)
	j := join(l.events, tunnelPlaces)
	late := overtaken(j.frames)
	if len(late) != 1 || late[0].seq != 1 {
		t.Errorf("%d overtaken", len(late))
	}
}

// The buckets are those of trace.c: sixteen to an octave.
func TestQuantile(t *testing.T) {
	t.Parallel()
	counts := make([]uint64, 544)
	if got := quantile(counts, 0.5); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
	counts[10] = 50 // 10 ns
	counts[32] = 49 // 32 and 33 ns
	counts[100] = 1 // 100/16-1 = 5: (100%16+16) << 5
	for share, want := range map[float64]int64{0.5: 10, 0.9: 33, 1: (100%16+17)<<5 - 1} {
		if got := quantile(counts, share); got != want {
			t.Errorf("%v: %d, want %d", share, got, want)
		}
	}
}
