package lab

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func devices(t *testing.T, specs ...string) (list []dut.Device) {
	t.Helper()
	for _, spec := range specs {
		d, err := dut.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

func compare(t *testing.T, p ComparePlan) (*result.Comparison, error) {
	t.Helper()
	l, err := Open(context.Background(), Config{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p.Settings = Settings{MaxFrames: 1 << 20, Seed: 7}
	c := &result.Comparison{Confidence: 0.95, Order: [][]int{}, Warnings: []string{}}
	err = l.Compare(context.Background(), p, c)
	if fault := result.Check(&result.Results{Comparison: c}); fault != nil && err == nil {
		t.Errorf("the comparison contradicts itself: %v", fault)
	}
	return c, err
}

// Two relays, of which one takes twice as long for a frame: that is found, and
// rounds, orders and samples are all there.
func TestComparePlantedDifference(t *testing.T) {
	testenv.NetAdmin(t)
	names := []string{"relay:cost=20us", "relay:cost=40us"}
	c, err := compare(t, ComparePlan{Devices: devices(t, names...), Names: names, Size: 64, Metrics: []string{"forwarding_rate"}, Rounds: 6})
	if err != nil {
		t.Fatal(err)
	}
	if c.Rounds != 6 || len(c.Order) != 6 || len(c.Metrics) != 1 {
		t.Fatalf("%+v", c)
	}
	if r := c.Metrics[0].Ratios; len(r) == 1 && (r[0].Verdict != result.VerdictWorse || r[0].Value < 0.4 || r[0].Value > 0.6) {
		t.Errorf("twice the cost reads as %+v", r[0])
	} else if len(r) == 0 {
		t.Logf("this machine was too busy for an interval: %v", c.Metrics[0].Samples)
	}
}

// A device that does not come up ends the comparison with its own words.
func TestCompareDeadDevice(t *testing.T) {
	testenv.NetAdmin(t)
	names := []string{"plain", "relay:loss=100%"}
	if _, err := compare(t, ComparePlan{Devices: devices(t, names...), Names: names, Size: 64, Metrics: []string{"pdr"}, Rounds: 6}); err == nil {
		t.Error("a device that carries nothing was compared")
	}
}

// A round that would not fit into the time is not begun, but for the rounds
// that an interval needs.
func TestCompareKeepsTime(t *testing.T) {
	testenv.NetAdmin(t)
	names := []string{"plain", "plain#2"}
	c, err := compare(t, ComparePlan{
		Devices: devices(t, "plain", "plain"), Names: names, Size: 64, Metrics: []string{"latency_p50"}, Rounds: 50, Time: time.Millisecond,
	})
	fewest := stats.FewestPairs(c.EachConfidence())
	if err != nil || c.Rounds != fewest || len(c.Warnings) == 0 {
		t.Errorf("%d rounds, want %d; %q, %v", c.Rounds, fewest, c.Warnings, err)
	}
}

func TestTurnsAreMeasuredOnce(t *testing.T) {
	for _, c := range []struct {
		metrics []string
		want    int
	}{
		{[]string{"forwarding_rate", "cpu_ns_per_frame", "latency_p50"}, 2}, {[]string{"latency_p99"}, 1},
		{[]string{"latency_p50", "latency_p99", "pdr", "stream_goodput"}, 3},
	} {
		if got := len(turnsFor(c.metrics)); got != c.want {
			t.Errorf("%v: %d measurements, want %d", c.metrics, got, c.want)
		}
	}
}

func TestLoadsReadWell(t *testing.T) {
	for in, want := range map[rfc2544.Rate]rfc2544.Rate{123456: 120000, 23456: 23000, 2345: 2300, 234: 234, 0.5: 1} {
		if got := RoundLoad(in); got != want {
			t.Errorf("%v: %v, want %v", in, got, want)
		}
	}
}

// The kernel names why it dropped what nobody read. It does not name everything: of
// packets that waited while their core stood still, some pass the tracepoint unseen
// (on Linux 6.18 up to one in 25 of this test's).
func TestReasons(t *testing.T) {
	testenv.NetAdmin(t)
	l := openLabWith(t, Settings{Reasons: true})
	b := openBench(t, l, "plain", 64)
	defer b.Close()
	if b.reasons == nil {
		t.Log("this kernel does not tell why it drops")
		return
	}
	if err := b.net.NS("right").SetSysctl("net/ipv4/ip_forward", "0"); err != nil {
		t.Fatal(err)
	}
	o, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 10e3, Duration: 100 * time.Millisecond})
	if err != nil && !errors.Is(err, ErrDied) {
		t.Fatal(err)
	}
	most := int64(0) // one reason for all frames; other packets may have others
	for place, n := range o.Reasons {
		most = max(most, n)
		t.Logf("%s: %d", place, n)
	}
	if o.Received != 0 || most > int64(o.Lost) || most < int64(o.Lost)*9/10 {
		t.Errorf("%d frames received, %d lost, of which the kernel explains %d", o.Received, o.Lost, most)
	}
}
