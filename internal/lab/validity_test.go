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
	l := &Lab{fastest: map[int]time.Duration{1: 400}, soakers: []*soaker{{cpu: 1}}, throttleBudget: time.Minute}
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

// What the tester or the machine did to a trial spoils it, each under its own code;
// what the device did does not.
func TestValidity(t *testing.T) {
	t.Parallel()
	stalls := func(lengths ...time.Duration) func(*Lab, *Run) {
		return func(_ *Lab, r *Run) {
			for _, length := range lengths {
				r.Ledger.Stalls = append(r.Ledger.Stalls, rfc2544.Stall{Length: length, CPU: 1})
			}
		}
	}
	stream := func(change func(c *rfc2544.Counts)) func(*Lab, *Run) {
		return func(_ *Lab, r *Run) { change(&r.Ledger.Streams[0].Counts) }
	}
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		change func(*Lab, *Run)
		want   []rfc2544.ReasonCode
	}{
		{"nothing", func(*Lab, *Run) {}, nil},
		{"the device lost frames", stream(func(c *rfc2544.Counts) { c.Received, c.Lost = 10, 990 }), nil},
		{"one frame was not sent", stream(func(c *rfc2544.Counts) { c.Offered, c.Received = 999, 999 }), []rfc2544.ReasonCode{rfc2544.SenderShort}},
		{"the receiver's ring was full", func(_ *Lab, r *Run) { r.Ledger.Dropped = 1 }, []rfc2544.ReasonCode{rfc2544.ReceiverOverflow}},
		{"the tester's port dropped frames", func(_ *Lab, r *Run) {
			r.sinks, r.drops = counters.Sinks(netns.Dual(netns.Plan{})), rfc2544.Drops{{Node: netns.Left, Device: netns.LAN, Kind: "tx_dropped", Frames: 3}}
		}, []rfc2544.ReasonCode{rfc2544.ReceiverOverflow}},
		{"one frame in 1000 was foreign", stream(func(c *rfc2544.Counts) { c.Foreign = 1 }), nil},
		{"more frames were foreign or stale", stream(func(c *rfc2544.Counts) { c.Foreign, c.Stale = 1, 1 }), []rfc2544.ReasonCode{rfc2544.ForeignFrames}},
		{"a stall that costs nothing", stalls(2 * ms), nil},
		{"a long stall", stalls(26 * ms), []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"many stalls", stalls(20*ms, 20*ms, 20*ms), []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"one stall that is long in all, too", stalls(60 * ms), []rfc2544.ReasonCode{rfc2544.Stalled, rfc2544.Stalled}},
		{"more stalls than the list holds", func(_ *Lab, r *Run) { r.Ledger.StallsBeyond = 1 }, []rfc2544.ReasonCode{rfc2544.Stalled}},
		{"a slow core", func(_ *Lab, r *Run) { r.Ledger.Probe[1] = 600 }, []rfc2544.ReasonCode{rfc2544.SlowCore}},
		{"a slow core that may be", func(_ *Lab, r *Run) { r.Ledger.Probe[1], r.anySpeed = 600, true }, nil},
		{"a slow core with the throttle budget used up", func(l *Lab, r *Run) { r.Ledger.Probe[1], l.throttleBudget = 600, 0 }, nil},
		{"another program", func(_ *Lab, r *Run) { r.after.process -= 100 * ms }, []rfc2544.ReasonCode{rfc2544.OtherPrograms}},
		{"another program on cores that all share", func(l *Lab, r *Run) { l.cpus.Tester, r.after.process = l.cpus.DUT, 0 }, nil},
		{"the device died", func(_ *Lab, r *Run) { r.after = Reading{} }, []rfc2544.ReasonCode{rfc2544.DUTDied}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, r := quietRun()
			c.change(l, &r)
			o := r.observation([]string{rfc2544.Forward})
			o.CoreSpeed = l.coreSpeed(r)
			var got []rfc2544.ReasonCode
			for _, reason := range l.classify(o, r) {
				if reason.Text == "" {
					t.Errorf("%s has no text", reason.Code)
				}
				got = append(got, reason.Code)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}
