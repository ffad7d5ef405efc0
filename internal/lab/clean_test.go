package lab

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// slicedLedger is a ledger of n slices with 100 frames each, a millisecond on their way.
func slicedLedger(n int) loadgen.Ledger {
	l := loadgen.Ledger{Duration: time.Duration(n) * loadgen.SliceTime, Others: map[int][]time.Duration{0: make([]time.Duration, n), 1: make([]time.Duration, n)}}
	for range n {
		l.Slices = append(l.Slices, loadgen.Slice{Turn: 1, Sending: loadgen.SliceTime, Sent: 100, Received: 100, Latency: 100 * time.Millisecond})
	}
	return l
}

// lose lets slices lose frames, and slow makes them slow, as a device does that is busy with itself.
func lose(l *loadgen.Ledger, frames uint64, slices ...int) {
	for _, i := range slices {
		l.Slices[i].Received -= frames
	}
}

func slow(l *loadgen.Ledger, mean time.Duration, slices ...int) {
	for _, i := range slices {
		l.Slices[i].Latency = time.Duration(l.Slices[i].Received) * mean
	}
}

func TestDisturbances(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	stall := func(at, length time.Duration) func(*loadgen.Ledger) {
		return func(l *loadgen.Ledger) { l.Stalls = append(l.Stalls, rfc2544.Stall{At: at, Length: length, CPU: 1}) }
	}
	for _, c := range []struct {
		name   string
		change func(*loadgen.Ledger)
		want   []int // disturbed slices
		codes  []rfc2544.ReasonCode
	}{
		{"nothing", func(*loadgen.Ledger) {}, nil, nil},
		{"a stall within a slice", stall(35*ms, 2*ms), []int{3}, []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"a stall over three slices", stall(35*ms, 20*ms), []int{3, 4, 5}, []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"a stall that meets frames of the slice before", stall(30*ms+ms/2, ms), []int{2, 3}, []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"a stall that goes on beyond the end", stall(95*ms, time.Second), []int{9}, []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"another program", func(l *loadgen.Ledger) { l.Others[1][4] = ms }, []int{3, 4}, []rfc2544.ReasonCode{rfc2544.OtherPrograms}},
		{"another program on the tester's core", func(l *loadgen.Ledger) { l.Others[0][4] = ms }, []int{3, 4}, []rfc2544.ReasonCode{rfc2544.OtherPrograms}},
		{"another program for a moment", func(l *loadgen.Ledger) { l.Others[1][4] = foreignLimit }, nil, nil},
		{"slow while it recovers", func(l *loadgen.Ledger) { stall(35*ms, 2*ms)(l); slow(l, 5*ms, 4, 5) }, []int{3, 4, 5}, []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"a recovery is excused for so long only", func(l *loadgen.Ledger) { stall(5*ms, 2*ms)(l); slow(l, 5*ms, 1, 2, 3, 4) }, []int{0, 1, 2, 3, 4}, []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"slow by itself", func(l *loadgen.Ledger) { slow(l, 5*ms, 4, 5) }, nil, nil},
		{"the device lost frames", func(l *loadgen.Ledger) { lose(l, 50, 2, 3) }, nil, nil},
		{"the device lost all frames", func(l *loadgen.Ledger) { lose(l, 100, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9) }, nil, nil},
		{"more stalls than the list holds", func(l *loadgen.Ledger) { stall(75*ms, 2*ms)(l); l.StallsBeyond = 1 }, []int{7, 8, 9}, []rfc2544.ReasonCode{rfc2544.Stalled, rfc2544.Stalled}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := slicedLedger(10)
			c.change(&l)
			d := findDisturbances(l)
			var got []int
			for i, disturbed := range d.disturbed {
				if disturbed {
					got = append(got, i)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("disturbed slices (-want +got):\n%s", diff)
			}
			checkReasons(t, d.reasons, c.codes)
			var want rfc2544.Clean
			for i, s := range l.Slices {
				if !d.disturbed[i] {
					want.Time, want.Offered, want.Received = want.Time+s.Sending, want.Offered+s.Sent, want.Received+s.Received
				}
			}
			if diff := cmp.Diff(want, d.clean()); diff != "" {
				t.Errorf("clean part (-want +got):\n%s", diff)
			}
		})
	}
}
