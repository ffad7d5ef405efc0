package rfc2544_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// slower makes the n-th trial n microseconds slower and charges n ns a frame.
func slower(n int, o *rfc2544.Observation) error {
	d := *o.Latency
	for _, at := range []*time.Duration{&d.Min, &d.P50, &d.P90, &d.P99, &d.P999, &d.Max} {
		*at += time.Duration(n) * time.Microsecond
	}
	cpu := float64(n)
	o.Latency, o.LatencyQuiet, o.CPUPerFrame = &d, &d, &cpu
	return nil
}

func TestRunLatency(t *testing.T) {
	t.Parallel()
	m := &altered{Device: device(t, "capacity=1Mpps,latency=20us"), alter: slower}
	out, err := rfc2544.RunLatency(context.Background(), m, rfc2544.LatencyConfig{Size: 64, Rate: 200e3, Trial: 2100 * time.Millisecond, Repeats: 3})
	if err != nil || !out.Valid || len(out.Warnings) != 0 || len(out.Trials) != 6 {
		t.Fatalf("%v, %+v", err, out)
	}
	const names = "latency_min latency_p50 latency_p90 latency_p99 latency_p999 latency_max latency_quiet_p50 latency_quiet_p99"
	want := strings.Fields(names)
	want = append(want, "cpu_ns_per_frame")
	for _, name := range strings.Fields(names) {
		want = append(want, name+"_5kpps")
	}
	if diff := cmp.Diff(want, valueNames(out)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	for i, v := range out.Values {
		middle := 22e3 // of 21, 22 and 23 us
		if i > 8 {
			middle = 25e3
		}
		around := 1e3
		if v.Name == "cpu_ns_per_frame" {
			middle, around = 2, 1
		}
		if v.Value != middle || *v.Lower != middle-around || *v.Upper != middle+around || v.N != 3 || v.Unit != "ns" || v.Better != -1 {
			t.Errorf("%+v, want %v between %v and %v", v, middle, middle-around, middle+around)
		}
	}
	for i, load := range []rfc2544.Rate{100e3, 100e3, 100e3, 5e3, 5e3, 5e3} {
		if out.Trials[i].IntendedLoad != load {
			t.Errorf("trial %d at %v, want %v", i, out.Trials[i].IntendedLoad, load)
		}
	}
}

func TestLatencyRefusesThinPercentiles(t *testing.T) {
	t.Parallel()
	out, err := rfc2544.RunLatency(context.Background(), device(t, "capacity=1Mpps,latency=20us"), rfc2544.LatencyConfig{Size: 64, Rate: 40e3, Trial: 100 * time.Millisecond, Repeats: 3})
	if err != nil || !out.Valid {
		t.Fatalf("%v, %+v", err, out)
	}
	want := []string{
		"latency_p999 left out: 2000 samples in a trial, it needs 10000",
		"latency_p99_5kpps left out: 500 samples in a trial, it needs 1000",
		"latency_p999_5kpps left out: 500 samples in a trial, it needs 10000",
		"latency_quiet_p99_5kpps left out: 500 samples in a trial, it needs 1000",
	}
	if diff := cmp.Diff(want, out.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	names := " " + strings.Join(valueNames(out), " ") + " "
	for name, present := range map[string]bool{"latency_p99": true, "latency_p999": false, "latency_p99_5kpps": false, "latency_p90_5kpps": true} {
		if strings.Contains(names, " "+name+" ") != present {
			t.Errorf("%s: present is not %v in%s", name, present, names)
		}
	}
}

func TestLatencyOfInvalidTrials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		bad    int // of the first four trials
		trials int
		valid  bool
	}{{"three", 3, 9, true}, {"four", 4, 9, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := &altered{Device: device(t, "capacity=1Mpps"), alter: func(n int, o *rfc2544.Observation) error {
				o.Valid = n > c.bad
				return nil
			}}
			out, err := rfc2544.RunLatency(context.Background(), m, rfc2544.LatencyConfig{Size: 64, Rate: 200e3, Trial: 10 * time.Second, Repeats: 3})
			if err != nil || len(out.Trials) != c.trials || out.Valid != c.valid || len(out.Values) == 0 || (len(out.Warnings) == 0) != c.valid {
				t.Errorf("%v, %d trials, valid %v, %q", err, len(out.Trials), out.Valid, out.Warnings)
			}
		})
	}
}

// Short trials are repeated more often than long ones.
func TestShortTrialsAreRepeatedLonger(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		duration time.Duration
		tries    int
	}{{20 * time.Second, 4}, {10 * time.Second, 4}, {3 * time.Second, 10}, {time.Second, 21}} {
		t.Run(c.duration.String(), func(t *testing.T) {
			t.Parallel()
			m := &altered{Device: device(t, "capacity=1Mpps"), alter: func(_ int, o *rfc2544.Observation) error {
				o.Valid = false
				return nil
			}}
			tooSlow := rfc2544.LatencyConfig{Size: 64, Rate: 4000, Trial: c.duration, Repeats: 1} // for a second load
			out, err := rfc2544.RunLatency(context.Background(), m, tooSlow)
			if err != nil || len(out.Trials) != c.tries || out.Valid {
				t.Errorf("%d tries, want %d; valid %t, %v", len(out.Trials), c.tries, out.Valid, err)
			}
		})
	}
}

func TestLatencyBadDays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	out, err := rfc2544.RunLatency(ctx, device(t, "capacity=max,loss=1"), rfc2544.LatencyConfig{Size: 64, Rate: 200e3, Trial: time.Second, Repeats: 1})
	if err != nil || out.Valid || len(out.Values) != 0 || !strings.Contains(fmt.Sprint(out.Warnings), "no frame came back") {
		t.Errorf("all lost: %v, %+v", err, out)
	}
	out, err = rfc2544.RunLatency(ctx, device(t, "capacity=max,loss=0.1"), rfc2544.LatencyConfig{Size: 64, Rate: 200e3, Trial: time.Second, Repeats: 2})
	if err != nil || !out.Valid || !strings.Contains(fmt.Sprint(out.Warnings), "of the frames got lost") {
		t.Errorf("some lost: %v, %+v", err, out)
	}
	out, err = rfc2544.RunLatency(ctx, device(t, "capacity=max"), rfc2544.LatencyConfig{Size: 64, Rate: 4000, Trial: time.Second, Repeats: 1})
	if err != nil || len(out.Trials) != 1 || !strings.Contains(fmt.Sprint(out.Warnings), "above the rate") {
		t.Errorf("slow tunnel: %v, %+v", err, out)
	}
	died := errors.New("the device died")
	m := &altered{Device: device(t, "capacity=max"), alter: func(n int, _ *rfc2544.Observation) error {
		if n == 4 {
			return died
		}
		return nil
	}}
	if out, err := rfc2544.RunLatency(ctx, m, rfc2544.LatencyConfig{Size: 64, Rate: 200e3, Trial: time.Second, Repeats: 3}); !errors.Is(err, died) || out.Valid || len(out.Trials) != 3 || len(out.Values) == 0 {
		t.Errorf("died: %v, %+v", err, out)
	}
}

func TestLatencyRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  rfc2544.LatencyConfig
	}{
		{"rate 0", rfc2544.LatencyConfig{Size: 64, Trial: time.Second, Repeats: 1}},
		{"flood", rfc2544.LatencyConfig{Size: 64, Rate: rfc2544.Flood, Trial: time.Second, Repeats: 1}},
		{"no time", rfc2544.LatencyConfig{Size: 64, Rate: 1e5, Repeats: 1}},
		{"no trial", rfc2544.LatencyConfig{Size: 64, Rate: 1e5, Trial: time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if out, err := rfc2544.RunLatency(context.Background(), device(t, "capacity=max"), c.cfg); err == nil || out.Valid {
				t.Errorf("error %v, %+v", err, out)
			}
		})
	}
}
