package lab

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// quietRun is a run of a second that nothing disturbed: on a lab with one soaker that had
// half of its core, the device's processes having the other half.
func quietRun() (*Lab, Run) {
	l := &Lab{fastest: map[int]time.Duration{1: 400}, soakers: []*soaker{{cpu: 1}}}
	l.cpus.Tester, l.cpus.DUT = []int{0}, []int{1}
	start := time.Unix(0, 0)
	return l, Run{
		Ledger: loadgen.Ledger{
			Streams:  []loadgen.StreamLedger{{Counts: rfc2544.Counts{Intended: 1000, Offered: 1000, Received: 1000}}},
			Duration: time.Second, Probe: map[int]time.Duration{1: 400}, Stolen: map[int]time.Duration{},
		},
		before: Reading{at: start, soaked: []time.Duration{0}},
		after:  Reading{at: start.Add(time.Second), soaked: []time.Duration{500 * time.Millisecond}, process: 500 * time.Millisecond},
	}
}

// What the tester failed to do breaks a trial, each under its own code; what the device did, or the
// machine, does not.
func TestBroken(t *testing.T) {
	t.Parallel()
	stream := func(change func(c *rfc2544.Counts)) func(*Run) {
		return func(r *Run) { change(&r.Ledger.Streams[0].Counts) }
	}
	for _, c := range []struct {
		name   string
		change func(*Run)
		want   []rfc2544.ReasonCode
	}{
		{"nothing", func(*Run) {}, nil},
		{"the device lost frames", stream(func(c *rfc2544.Counts) { c.Received, c.Lost = 10, 990 }), nil},
		{"one frame was not sent", stream(func(c *rfc2544.Counts) { c.Offered, c.Received = 999, 999 }), []rfc2544.ReasonCode{rfc2544.SenderShort}},
		{"the receiver's ring was full", func(r *Run) { r.Ledger.Dropped = 1 }, []rfc2544.ReasonCode{rfc2544.ReceiverOverflow}},
		{"the tester's port dropped frames", func(r *Run) {
			r.sinks, r.drops = counters.Sinks(netns.Dual(netns.Plan{})), rfc2544.Drops{{Node: netns.Left, Device: netns.LAN, Kind: "tx_dropped", Frames: 3}}
		}, []rfc2544.ReasonCode{rfc2544.ReceiverOverflow}},
		{"one frame in 1000 was foreign", stream(func(c *rfc2544.Counts) { c.Foreign = 1 }), nil},
		{"more frames were foreign or stale", stream(func(c *rfc2544.Counts) { c.Foreign, c.Stale = 1, 1 }), []rfc2544.ReasonCode{rfc2544.ForeignFrames}},
		{"a long stall", func(r *Run) { r.Ledger.Stalls = []rfc2544.Stall{{Length: time.Second, CPU: 1}} }, nil},
		{"a slow core", func(r *Run) { r.Ledger.Probe[1] = 2000 }, nil},
		{"another program", func(r *Run) { r.after.process = 0 }, nil},
		{"the device died", func(r *Run) { r.after = Reading{} }, []rfc2544.ReasonCode{rfc2544.DUTDied}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, r := quietRun()
			c.change(&r)
			checkReasons(t, r.classify(r.observation([]string{rfc2544.Forward})), c.want)
		})
	}
}

func checkReasons(t *testing.T, reasons rfc2544.Reasons, want []rfc2544.ReasonCode) {
	t.Helper()
	var got []rfc2544.ReasonCode
	for _, reason := range reasons {
		if reason.Text == "" {
			t.Errorf("%s has no text", reason.Code)
		}
		got = append(got, reason.Code)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// Without a tracepoint, CPU time that nobody accounts for is another program's.
func TestUnaccounted(t *testing.T) {
	t.Parallel()
	l, r := quietRun()
	checkReasons(t, l.unaccounted(r), nil)
	r.after.process -= 100 * time.Millisecond
	checkReasons(t, l.unaccounted(r), []rfc2544.ReasonCode{rfc2544.OtherPrograms})
	r.Beside = 100 * time.Millisecond // what the caller used itself is no other program's
	checkReasons(t, l.unaccounted(r), nil)
	r.Beside = 0
	l.cpus.Tester = l.cpus.DUT
	checkReasons(t, l.unaccounted(r), nil)
}
