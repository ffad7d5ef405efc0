package netns

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// What the kernel makes of its copies of a relay's frames is no loss.
func TestRelaysHaveNoProtocolCounters(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Inline(Plan{}))
	counters, err := n.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if _, there := counters["left ip in_discards"]; there {
		t.Error("left ip in_discards is counted")
	}
	for _, name := range []string{"left:lan0 tx_dropped", "left:lan1 tx_dropped", "tester ip in_discards"} {
		if _, there := counters[name]; !there {
			t.Errorf("%s is not counted", name)
		}
	}
}
