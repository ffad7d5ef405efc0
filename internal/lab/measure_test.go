package lab

import (
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// bothStreams is a trial of two streams, of which the second lost more.
func bothStreams() Run {
	all := &rfc2544.Distribution{N: 2900, P50: 3, P90: 4, P99: 5, P999: 6, Max: 7}
	return Run{
		Plan: loadgen.Plan{Trial: rfc2544.Trial{Load: 1500}},
		Ledger: loadgen.Ledger{
			Streams: []loadgen.StreamLedger{
				{Counts: rfc2544.Counts{Intended: 1500, Offered: 1500, Received: 1500, Reordered: 2}, Span: time.Second},
				{Counts: rfc2544.Counts{Intended: 1500, Offered: 1500, Received: 1350, Lost: 150, Late: 50, Corrupted: 10, Foreign: 1}, Span: time.Second},
			},
			Latency: all, Duration: time.Second, Work: 6 * time.Millisecond,
		},
		drops: rfc2544.Drops{{Device: "cpu1", Kind: "backlog", Also: true, Frames: 7}, {Node: "left", Kind: "udp rcvbuf", Frames: 60}},
	}
}

// The streams' counts are told apart and add up; the trial's loss is that of
// all frames, its rate the average of both.
func TestObservationOfBothDirections(t *testing.T) {
	o := bothStreams().observation([]string{rfc2544.Forward, rfc2544.Reverse})
	if err := result.CheckTrial(o); err != nil {
		t.Error(err)
	}
	if o.Intended != 3000 || o.Offered != 3000 || o.Received != 2850 || o.Lost != 150 || o.Late != 50 || o.Reordered != 2 || o.Foreign != 1 {
		t.Errorf("sums: %+v", o)
	}
	if len(o.Directions) != 2 || o.Directions[0].Lost != 0 || o.Directions[1].Direction != rfc2544.Reverse || o.Directions[1].Lost != 150 {
		t.Errorf("directions: %+v", o.Directions)
	}
	if o.LossRatio() != 0.05 || o.ForwardingRate() != 1425 || o.Latency.N != 2900 {
		t.Errorf("loss %v, rate %v, latency %+v", o.LossRatio(), o.ForwardingRate(), o.Latency)
	}
	if o.Drops.At("left udp rcvbuf") != 60 || o.Drops.Sum() != 60 || o.Unexplained != 30 || len(o.Drops) != 2 {
		t.Errorf("drops %v, %d unexplained; want 150 lost = 50 late + 10 corrupted + 60 + 30", o.Drops, o.Unexplained)
	}
}

func TestObservationOfOneDirection(t *testing.T) {
	r := bothStreams()
	r.Ledger.Streams = r.Ledger.Streams[1:]
	if o := r.observation([]string{rfc2544.Reverse}); len(o.Directions) != 0 || o.Offered != 1500 || o.LossRatio() != 0.1 {
		t.Errorf("%+v", o)
	}
}

func TestWorkAndHintOfBothDirections(t *testing.T) {
	r := bothStreams()
	if got := r.testerWork(); got != 2000 {
		t.Errorf("%v ns a frame, want 6 ms over 3000 frames", got)
	}
	if got := r.slowestStream(); got != 1400 {
		t.Errorf("hint %v, want that of the slower stream, 1400", got)
	}
	r.Ledger.Streams[0].Span = 0
	if got := r.slowestStream(); got != 0 {
		t.Errorf("hint %v of a stream that brought nothing, want none", got)
	}
}

// A core is judged by its own quickest moment, and the slowest core counts.
func TestSpeedOfCores(t *testing.T) {
	l := &Lab{fastest: map[int]time.Duration{}}
	l.cpus.Tester, l.cpus.DUT = []int{0}, []int{1, 2}
	if got := l.speed(map[int]time.Duration{1: 400, 2: 400}); got != 0 {
		t.Errorf("speed %v before anything is known, want 0", got)
	}
	l.learn(map[int]time.Duration{0: 1, 1: 400, 2: 600})
	l.learn(map[int]time.Duration{1: 500, 2: 500})
	for _, c := range []struct {
		probe1, probe2 time.Duration
		want           float64
	}{{400, 500, 1}, {800, 500, 0.5}, {500, 1000, 0.5}, {350, 500, 1}, {0, 1000, 0.5}} {
		if got := l.speed(map[int]time.Duration{1: c.probe1, 2: c.probe2}); got != c.want {
			t.Errorf("probes of %v and %v: speed %v, want %v", c.probe1, c.probe2, got, c.want)
		}
	}
}
