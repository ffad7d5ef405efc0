// Package series judges a light stream of numbered packets: how long nothing arrived, what was lost, and
// what was held and came late. It is pure: the packets' times may come from a virtual clock.
//
//	sent     | | | | | | | | | | | | | | |
//	arrived  | | | |               ||||| | |
//	               └── silence ────┘
//	               From            To
//
// All times count from the start of the stream.
package series

import (
	"cmp"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// Packet is a packet of a stream.
type Packet struct {
	Sent    time.Duration
	Arrived time.Duration // its first copy; only if Came
	Came    bool
}

func (p Packet) delay() time.Duration { return p.Arrived - p.Sent }

// Series holds the packets of one direction in the order in which they were sent.
type Series []Packet

// Silence is a time in which nothing arrived.
type Silence struct {
	From, To time.Duration // the last arrival before it and the first one after it
	Over     bool          // false: nothing arrived any more; To is when the last packet was sent
	// Resolution is the longest pause of the sender at either end of the silence: From and To are known
	// only so well.
	Resolution time.Duration
}

// Length returns how long nothing arrived.
func (s Silence) Length() time.Duration { return s.To - s.From }

// After returns how long after a moment the silence was over, or 0 if it was over before.
func (s Silence) After(moment time.Duration) time.Duration { return max(0, s.To-moment) }

// arrival is an arrival and its packet; the packet -1 stands for the start of the stream.
type arrival struct {
	at     time.Duration
	packet int
}

func (s Series) arrivals() []arrival {
	all := []arrival{{0, -1}}
	for i, p := range s {
		if p.Came {
			all = append(all, arrival{p.Arrived, i})
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	return all
}

// Longest returns the longest silence that lies at least partly after the moment from.
func (s Series) Longest(from time.Duration) (longest Silence) {
	all := s.arrivals()
	for i, a := range all {
		gap := Silence{From: a.at, To: s.end()}
		next := len(s)
		if i+1 < len(all) {
			gap.To, gap.Over, next = all[i+1].at, true, all[i+1].packet
		}
		if gap.To > from && gap.Length() > longest.Length() {
			gap.Resolution = max(s.pauseBefore(a.packet+1), s.pauseBefore(next))
			longest = gap
		}
	}
	return longest
}

// end returns when the last packet was sent.
func (s Series) end() time.Duration {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].Sent
}

// pauseBefore returns the time between the sending of a packet and of the one before it; 0 if one of them is not there.
func (s Series) pauseBefore(packet int) time.Duration {
	if packet < 1 || packet >= len(s) {
		return 0
	}
	return s[packet].Sent - s[packet-1].Sent
}

// Between returns the packets that were sent from one moment until before another.
func (s Series) Between(from, to time.Duration) Series {
	first, _ := slices.BinarySearchFunc(s, from, bySent)
	last, _ := slices.BinarySearchFunc(s, to, bySent)
	return s[first:max(first, last)]
}

func bySent(p Packet, t time.Duration) int { return cmp.Compare(p.Sent, t) }

// Lost returns how many packets never arrived.
func (s Series) Lost() (n int) {
	for _, p := range s {
		if !p.Came {
			n++
		}
	}
	return n
}

// Delays returns the delays of the packets that arrived, the shortest first.
func (s Series) Delays() []time.Duration {
	var all []time.Duration
	for _, p := range s {
		if p.Came {
			all = append(all, p.delay())
		}
	}
	slices.Sort(all)
	return all
}

// Held returns how many packets arrived with a delay of more than a limit, and the longest delay.
func (s Series) Held(limit time.Duration) (n int, longest time.Duration) {
	for _, p := range s {
		if p.Came && p.delay() > limit {
			n++
			longest = max(longest, p.delay())
		}
	}
	return n, longest
}

// Split divides the packets into those that were sent at most half before or after one of the moments, and all
// others.
func (s Series) Split(moments []time.Duration, half time.Duration) (near, far Series) {
	for _, p := range s {
		close := slices.ContainsFunc(moments, func(m time.Duration) bool { return (p.Sent - m).Abs() <= half })
		if close {
			near = append(near, p)
		} else {
			far = append(far, p)
		}
	}
	return near, far
}

// Quantiles are of delays.
type Quantiles struct{ P50, P99, Most time.Duration }

// Quantiles returns the quantiles of the delays; ok is false if nothing arrived.
func (s Series) Quantiles() (q Quantiles, ok bool) {
	delays := s.Delays()
	if len(delays) == 0 {
		return q, false
	}
	return Quantiles{stats.Percentile(delays, 0.5), stats.Percentile(delays, 0.99), delays[len(delays)-1]}, true
}

// First returns the time from the sending of the first packet until the first arrival; ok is false if nothing arrived.
func (s Series) First() (d time.Duration, ok bool) {
	all := s.arrivals()
	if len(all) < 2 {
		return 0, false
	}
	return all[1].at - s[0].Sent, true
}

// RoundTrips returns the stream that two directions make together: the packets of the same number, one there and
// one back, sent at the same time.
func RoundTrips(there, back Series) Series {
	both := slices.Clone(there[:min(len(there), len(back))])
	for i := range both {
		both[i].Arrived += back[i].delay()
		both[i].Came = there[i].Came && back[i].Came
	}
	return both
}
