package trace

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

func TestLeaveOut(t *testing.T) {
	t.Parallel()
	lost := []waterfall.Reason{{Name: waterfall.Unknown, Frames: 3}}
	out := waterfall.Trace{
		Threads: []waterfall.Threads{{Node: "left"}},
		Streams: []waterfall.Stream{{
			Hops:   []waterfall.Hop{{Lost: 3, Reasons: lost}},
			Picked: []waterfall.Picked{{Why: waterfall.Usual}, {Why: waterfall.Dropped, Lost: waterfall.Unknown}},
		}},
	}
	leaveOut(&out, []string{"sock:sock_recv_length"})
	if len(out.Threads) != 1 || len(out.Streams[0].Hops[0].Reasons) != 1 || len(out.Warnings) != 1 {
		t.Errorf("without a tracepoint of readers: %+v", out)
	}
	leaveOut(&out, []string{"skb:kfree_skb", "sched:sched_switch"})
	if s := out.Streams[0]; len(out.Threads) != 0 || len(s.Hops[0].Reasons) != 0 || s.Hops[0].Lost != 3 || s.Picked[0].Lost != "" || s.Picked[1].Lost != waterfall.NotKnown {
		t.Errorf("without those of drops and threads: %+v", out)
	}
}
