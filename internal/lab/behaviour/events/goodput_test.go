package events

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// The paths are what --wan understands, and the delay is half a round trip each way.
func TestPaths(t *testing.T) {
	t.Parallel()
	all := paths([]string{"0.1%", "3%"}, []time.Duration{20 * ms, 100 * ms}, []string{"cubic", "bbr"})
	if len(all) != 8 || all[0].Name() != "0.1%-20ms-cubic" || all[7].Name() != "3%-100ms-bbr" {
		t.Errorf("%v", all)
	}
	for _, p := range all {
		wan, err := dut.ParseWAN(wanOf(p))
		if err != nil {
			t.Fatal(err)
		}
		const frame = 1500
		serialise := time.Duration(frame * 8 * int64(time.Second) / 50e6)
		if least, _ := wan.Transit(frame); least != p.RTT/2+serialise {
			t.Errorf("%s: %v one way, want %v", wanOf(p), least, p.RTT/2+serialise)
		}
	}
}

func TestCompared(t *testing.T) {
	t.Parallel()
	var f behaviour.Finding
	compared(&f, behaviour.Path{Loss: "1%", RTT: 20 * ms, CongestionControl: "cubic"}, 2e6, 8e6)
	compared(&f, behaviour.Path{Loss: "1%", RTT: 20 * ms, CongestionControl: "bbr"}, 40e6, 0)
	want := map[string]float64{"1%-20ms-cubic": 2e6, "1%-20ms-cubic-plain": 8e6, "1%-20ms-cubic-share": 25, "1%-20ms-bbr": 40e6}
	if diff := cmp.Diff(want, values(f)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMostly(t *testing.T) {
	t.Parallel()
	for want, packets := range map[string]map[byte]int{
		"TCP": {6: 100, 17: 3}, "UDP": {6: 2, 17: 100}, "nothing": {}, "neither TCP nor UDP": {47: 10, 1: 1},
	} {
		if got := mostly(packets); got != want {
			t.Errorf("%v: %q, want %q", packets, got, want)
		}
	}
}
