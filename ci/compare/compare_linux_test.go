package compare

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// onThisMachine runs a comparison in the lab of this machine.
func onThisMachine(t *testing.T, p Plan) (*result.Comparison, error) {
	t.Helper()
	testenv.NetAdmin(t)
	l, err := lab.Open(t.Context(), lab.Config{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { // before the test ends: a test may compare more than once
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	p.Settings = lab.Settings{MaxFrames: 1 << 20, Seed: 7}
	c := &result.Comparison{Confidence: 0.95, Order: [][]int{}, Warnings: []string{}}
	err = Run(t.Context(), On(l), p, c)
	if fault := result.Check(&result.Results{Comparison: c}); fault != nil && err == nil {
		t.Errorf("the comparison contradicts itself: %v", fault)
	}
	return c, err
}

// The comparison finds that one of two relays takes twice as long per frame, and records all
// rounds, orders and samples.
func TestComparePlantedDifference(t *testing.T) {
	names := []string{"relay:cost=20us", "relay:cost=40us"}
	for range 3 { // other programs may slow one of the two down for as long as a comparison takes
		c, err := onThisMachine(t, Plan{Devices: labtest.Devices(t, names...), Names: names, Size: 64, Metrics: []string{"forwarding_rate"}, Rounds: 6})
		if err != nil {
			t.Fatal(err)
		}
		if c.Rounds < 6 || len(c.Order) != c.Rounds || len(c.Metrics) != 1 {
			t.Fatalf("%+v", c)
		}
		r := c.Metrics[0].Ratios
		if len(r) == 0 {
			t.Logf("this machine was too busy for an interval: %v", c.Metrics[0].Samples)
			return
		}
		if r[0].Lower <= 0.6 && r[0].Upper >= 0.4 { // a busy machine widens the interval
			return
		}
		t.Logf("twice the cost reads as %+v", r[0])
	}
	t.Error("three comparisons did not show that twice the cost is half the rate")
}

// A device that does not start ends the comparison with the device's own error.
func TestCompareDeadDevice(t *testing.T) {
	mute := labtest.Script(t, `# tunnelbench: up-timeout=1s
ip tuntap add "$TB_DEV" mode tun && ip link set "$TB_DEV" up; exec sleep 1000`)
	names := []string{"plain", mute}
	if _, err := onThisMachine(t, Plan{Devices: labtest.Devices(t, names...), Names: names, Size: 64, Metrics: []string{"pdr"}, Rounds: 6}); err == nil {
		t.Error("a device that carries nothing was compared")
	}
}
