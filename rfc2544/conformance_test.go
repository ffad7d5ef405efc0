package rfc2544_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// The worked examples that a tester of RFC 2544 and its family has to get
// right, on simulated devices and a virtual clock. R is 1 Mfps unless said.

var background = context.Background()

// valueOf is the value of that name; none fails the test.
func valueOf(t *testing.T, o rfc2544.Outcome, name string) rfc2544.Value {
	t.Helper()
	for _, v := range o.Values {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("no value %s: %+v, %q", name, o.Values, o.Warnings)
	return rfc2544.Value{}
}

func wantValue(t *testing.T, o rfc2544.Outcome, name string, want, within float64) {
	t.Helper()
	if got := valueOf(t, o, name).Value; math.Abs(got-want) > within {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

func run(t *testing.T) func(o rfc2544.Outcome, err error) rfc2544.Outcome {
	return func(o rfc2544.Outcome, err error) rfc2544.Outcome {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
}

// Case 1: a hard limit, by plain binary search.
func TestConformanceHardLimit(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=437600fps")
	var tried []rfc2544.Rate
	good := func(load rfc2544.Rate) (bool, error) {
		tried = append(tried, load)
		return observed(t, d, load, time.Minute).Lost == 0, nil
	}
	if ok, _ := good(1e6); ok {
		t.Fatal("the whole rate passes")
	}
	low, high, err := rfc2544.Bisect(0, 1e6, 1000, good)
	if err != nil || low != 437500 || high != 438476.5625 {
		t.Errorf("%v to %v, %v", float64(low), float64(high), err)
	}
	want := []rfc2544.Rate{1e6, 500000, 250000, 375000, 437500, 468750, 453125, 445312.5, 441406.25, 439453.125, 438476.5625}
	if !slices.Equal(tried, want) {
		t.Errorf("trials at %v", tried)
	}
	if l2 := low.Bits(64) / 1e6; l2 != 224 {
		t.Errorf("%v Mbit/s, want 224", l2)
	}
	if l1 := float64(low) * 8 * (64 + rfc2544.GapOctets) / 1e6; l1 != 294 {
		t.Errorf("%v Mbit/s on the medium, want 294", l1)
	}
}

// Case 2: a buffer hides loss from short trials; the full one decides.
func TestConformanceBuffer(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=437600fps,queue=4096")
	out := run(t)(rfc2544.RunThroughput(background, d, rfc2544.ThroughputConfig{
		Size: 64, Min: 9001, Max: 1e6, Exploratory: time.Second, Trial: time.Minute, Width: 100 / 437668.0,
	}))
	v := valueOf(t, out, "throughput")
	if !(v.Value > 437568 && v.Value <= 437669) || *v.Upper-v.Value > 101 {
		t.Errorf("%v to %v", v.Value, *v.Upper)
	}
	if last := observed(t, d, 437660, time.Minute); last.Lost != 0 || last.Latency.Max < 8*time.Millisecond {
		t.Errorf("the last trial lost %d, its last frame waited %v", last.Lost, last.Latency.Max)
	}
	short := run(t)(rfc2544.RunThroughput(background, d, rfc2544.ThroughputConfig{Size: 64, Min: 9001, Max: 1e6, Trial: time.Second, Width: 100 / 437668.0}))
	if v := valueOf(t, short, "throughput_short"); v.Value < 441500 {
		t.Errorf("trials of a second: %v", v)
	}
	want := []rfc2544.Shortfall{{What: "trial duration", Got: "1s", Asked: "1m0s", Section: "RFC 2544 section 24"}}
	if diff := cmp.Diff(want, short.Shortfalls); diff != "" {
		t.Errorf("trials of a second (-want +got):\n%s", diff)
	}
}

// Case 3: the ladder of loss rates.
func TestConformanceLossLadder(t *testing.T) {
	t.Parallel()
	ladder := func(m rfc2544.Measurer, step int) rfc2544.Outcome {
		return run(t)(rfc2544.RunLossRate(background, m, rfc2544.LossRateConfig{Size: 64, Nominal: 1e6, Offerable: 2e6, Step: step, Trial: time.Minute}))
	}
	out := ladder(device(t, "capacity=605000fps"), 10)
	for name, want := range map[string]float64{
		"frame_loss_rate": 39.5, "frame_loss_rate_100": 39.5, "frame_loss_rate_90": 100 * 17.7 / 54, "frame_loss_rate_80": 24.375,
		"frame_loss_rate_70": 100 * 5.7 / 42, "frame_loss_rate_60": 0, "frame_loss_rate_50": 0,
	} {
		wantValue(t, out, name, want, 1e-9)
	}
	if len(out.Trials) != 6 || out.Trials[1].Offered != 54e6 || out.Trials[1].Received != 36.3e6 {
		t.Errorf("%d trials, want 6", len(out.Trials))
	}
	if out := ladder(device(t, "capacity=605000fps"), 5); len(out.Trials) != 10 {
		t.Errorf("%d trials by 5 %%, want 10", len(out.Trials))
	}
	// A single frame of thirty million is loss.
	unlucky := measurerFunc(func(tr rfc2544.Trial) rfc2544.Observation {
		o := observed(t, device(t, "capacity=605000fps"), tr.Load, tr.Duration)
		if tr.Load == 5e5 {
			o.Lost, o.Received = 1, o.Received-1
		}
		return o
	})
	out = ladder(unlucky, 10)
	if v := valueOf(t, out, "frame_loss_rate_50"); len(out.Trials) != 8 || v.Value == 0 {
		t.Errorf("%d trials, want 8; at 50 %% %v", len(out.Trials), v.Value)
	}
	// Below 10 % of R the steps are finer, and what cannot be offered is left out.
	out = run(t)(rfc2544.RunLossRate(background, device(t, "capacity=73kpps"), rfc2544.LossRateConfig{Size: 64, Nominal: 1e6, Offerable: 55e4, Step: 10, Trial: time.Minute}))
	wantValue(t, out, "frame_loss_rate_8", 100*(80-73)/80.0, 1e-9)
	wantValue(t, out, "frame_loss_rate_6", 0, 0)
	if valueOf(t, out, "frame_loss_rate").Value != valueOf(t, out, "frame_loss_rate_50").Value || !strings.Contains(out.Warnings[0], "100 % to 60 %") {
		t.Errorf("%+v %q", out.Values[0], out.Warnings)
	}
}

// The loss at the highest load is not that of a lower one.
func TestLossRateOfAnInvalidHighestLoad(t *testing.T) {
	t.Parallel()
	m := measurerFunc(func(tr rfc2544.Trial) rfc2544.Observation {
		o := observed(t, device(t, "capacity=700000fps"), tr.Load, tr.Duration)
		o.Valid = tr.Load < 1e6
		return o
	})
	out := run(t)(rfc2544.RunLossRate(background, m, rfc2544.LossRateConfig{Size: 64, Nominal: 1e6, Offerable: 2e6, Step: 10, Trial: time.Minute}))
	if names := strings.Join(valueNames(out), " "); names != "frame_loss_rate_90 frame_loss_rate_80 frame_loss_rate_70 frame_loss_rate_60" || out.Valid {
		t.Errorf("%s, valid %t", names, out.Valid)
	}
}

type measurerFunc func(rfc2544.Trial) rfc2544.Observation

func (f measurerFunc) Measure(_ context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	return f(t), nil
}

// Case 4: counting. What a receiver makes of a sequence is tested where it is.
func TestConformanceCounting(t *testing.T) {
	t.Parallel()
	// Duplicates and keepalives do not make up for loss.
	raw := rfc2544.Counts{Intended: 60e6, Offered: 60e6, Received: 59_999_990, Lost: 10, Duplicated: 5, Foreign: 5}
	if got := raw.LossRatio(); got == 0 || math.Abs(got-10.0/60e6) > 1e-18 {
		t.Errorf("loss ratio %v of 10 in 60,000,000", got)
	}
	// What the tester could not send is no loss of the device's, and no rate of its own.
	capped := device(t, "capacity=2000kpps,max_offered=800kpps")
	seen := observed(t, capped, 1e6, time.Minute)
	if seen.Offered != 48e6 || seen.Lost != 0 || seen.Intended-seen.Offered != 12e6 || math.Abs(seen.LossRatio()-0.2) > 1e-12 {
		t.Errorf("offered %d, lost %d, loss ratio %v", seen.Offered, seen.Lost, seen.LossRatio())
	}
	out := run(t)(rfc2544.RunThroughput(background, capped, rfc2544.ThroughputConfig{Size: 64, Min: 9001, Max: 8e5, Trial: time.Minute, Width: 0.005}))
	if v := valueOf(t, out, "throughput"); v.Upper != nil || math.Abs(v.Value-8e5) > 1 || !strings.Contains(strings.Join(out.Warnings, " "), ">= 800kpps") {
		t.Errorf("%+v, %q", v, out.Warnings)
	}
	// Of two directions one is dead.
	var both rfc2544.Observation
	both.Directions = []rfc2544.Direction{
		{Counts: rfc2544.Counts{Intended: 1000, Offered: 1000, Received: 1000}},
		{Counts: rfc2544.Counts{Intended: 1000, Offered: 1000, Lost: 1000}},
	}
	for _, d := range both.Directions {
		both.Add(d.Counts)
	}
	if got := both.LossRatio(); got != 0.5 {
		t.Errorf("loss ratio %v, want 0.5", got)
	}
}

// Case 5: latency.
func TestConformanceLatency(t *testing.T) {
	t.Parallel()
	const us = time.Microsecond
	measure := func(runs int, load rfc2544.Rate, delay func(run int, frame uint64) time.Duration) rfc2544.Outcome {
		d := &simulated.Device{Delay: delay}
		return run(t)(rfc2544.RunDelay(background, d, rfc2544.DelayConfig{Size: 64, Rate: load, Stream: 120 * time.Second, TagFrom: 60 * time.Second, Runs: runs}))
	}
	inUS := func(o rfc2544.Outcome, name string, want float64) { t.Helper(); wantValue(t, o, name, want*1e3, 1e-6) }

	out := measure(20, 1000.0/120, func(run int, _ uint64) time.Duration { return 100*us + time.Duration(run+1)*us })
	inUS(out, "latency", 110.5)
	// 500 tags of 1 to 500 us, in any order; a frame each eighth of a second or so.
	tagsOf := func(n uint64) func(int, uint64) time.Duration {
		return func(_ int, frame uint64) time.Duration { return time.Duration((frame+n-n/2)%n+1) * us }
	}
	for _, c := range []struct {
		tags           uint64
		typical, worst float64
	}{{500, 250.5, 500}, {1000, 500.5, 999}} {
		load := rfc2544.Rate(c.tags) / 60
		of := tagsOf(c.tags)
		out = measure(20, load, of)
		inUS(out, "latency_typical", c.typical)
		inUS(out, "latency_worst_case", c.worst)
		if n := len(out.Trials[0].Tags); n != int(c.tags) {
			t.Fatalf("%d tags", n)
		}
	}
	of := tagsOf(500)
	out = measure(20, 500.0/60, func(run int, frame uint64) time.Duration { return of(run, frame) + time.Duration(run+1)*us })
	inUS(out, "latency_typical", 261)
	inUS(out, "latency_worst_case", 510.5)
	if v := valueOf(t, out, "latency_typical"); *v.Lower != 251.5e3 || *v.Upper != 270.5e3 || v.N != 20 {
		t.Errorf("%v to %v of %d", *v.Lower, *v.Upper, v.N)
	}
	// One tag of 500 never comes back.
	out = measure(20, 500.0/60, func(run int, frame uint64) time.Duration {
		if frame == 777 {
			return rfc2544.TagLost
		}
		return of(run, frame)
	})
	inUS(out, "latency_worst_case", 62e6)
	// Nineteen runs do not make the RFC's latency.
	out = measure(19, 500.0/60, of)
	inUS(out, "latency_typical_short", 250.5)
	for _, v := range out.Values {
		if !strings.HasSuffix(v.Name, rfc2544.Short) {
			t.Errorf("%s of 19 runs", v.Name)
		}
	}
}

// Case 6: variation of delay.
func TestConformanceVariation(t *testing.T) {
	t.Parallel()
	for spikes, pdv := range map[uint64]float64{10: 0, 11: 1e6} {
		d := &simulated.Device{Delay: func(_ int, frame uint64) time.Duration {
			if frame%500 == 250 && frame/500 < spikes {
				return 1100 * time.Microsecond
			}
			return 100 * time.Microsecond
		}}
		out := run(t)(rfc2544.RunDelay(background, d, rfc2544.DelayConfig{Size: 64, Rate: 10000.0 / 120, Stream: 120 * time.Second, TagFrom: 60 * time.Second, Runs: 20}))
		wantValue(t, out, "pdv", pdv, 0)
		wantValue(t, out, "ipdv_min", -1e6, 0)
		wantValue(t, out, "ipdv_median", 0, 0)
		wantValue(t, out, "ipdv_max", 1e6, 0)
		if n := out.Trials[0].Variation.N; n != 9999 {
			t.Errorf("%d pairs, want 9,999", n)
		}
	}
}

// Case 7: back-to-back.
func TestConformanceBackToBack(t *testing.T) {
	t.Parallel()
	gigabit := rfc2544.Gigabit.MaxFrameRate(64)
	for _, c := range []struct {
		spec               string
		rate, throughput   rfc2544.Rate
		frames             float64
		implied, corrected float64 // ms
	}{
		{"capacity=500kpps,queue=1000", 1e6, 5e5, 1999, 1.999, 0.9995},
		{"capacity=800kpps,queue=1000", 1e6, 8e5, 4996, 4.996, 0.9992},
		{"capacity=1000kpps,queue=1024", gigabit, 1e6, 3119, 2.09597, 0.68748},
	} {
		out := run(t)(rfc2544.RunBackToBack(background, device(t, c.spec), rfc2544.BackToBackConfig{Size: 64, Rate: c.rate, Throughput: c.throughput, Repeats: 50, Step: 1}))
		for _, name := range []string{"back_to_back", "back_to_back_min", "back_to_back_max"} {
			wantValue(t, out, name, c.frames, 0)
		}
		wantValue(t, out, "back_to_back_stddev", 0, 0)
		wantValue(t, out, "buffer_time_implied", c.implied*1e6, 6)
		wantValue(t, out, "buffer_time", c.corrected*1e6, 6)
		if n := valueOf(t, out, "back_to_back").N; n != 50 {
			t.Errorf("N is %d", n)
		}
	}
	none := run(t)(rfc2544.RunBackToBack(background, device(t, "capacity=1000kpps"), rfc2544.BackToBackConfig{Size: 64, Rate: 1e6, Throughput: 1e6, Repeats: 50, Step: 1}))
	if len(none.Values) != 0 || len(none.Trials) != 0 || len(none.Warnings) != 1 {
		t.Errorf("a device as fast as the medium: %+v", none)
	}
	endless := run(t)(rfc2544.RunBackToBack(background, device(t, "capacity=2000kpps"), rfc2544.BackToBackConfig{Size: 64, Rate: 1e6, Throughput: 5e5, Repeats: 50, Step: 1}))
	if endless.Valid || len(endless.Values) != 0 || endless.Trials[len(endless.Trials)-1].Offered != 30e6 {
		t.Errorf("a search that hits its limit: %+v", endless.Values)
	}
}

// Case 8: system recovery.
func TestConformanceRecovery(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]float64{
		"capacity=500kpps,queue=10000":                                           0,
		"capacity=500kpps,queue=10000,recovery_time=800ms,recovery_rate=200kpps": 800e6,
	} {
		out := run(t)(rfc2544.RunRecovery(background, device(t, spec), rfc2544.RecoveryConfig{Size: 64, Throughput: 5e5, Most: 1e6, Overload: time.Minute, After: 5 * time.Second, Repeats: 1}))
		wantValue(t, out, "recovery_time", want, 20e3)
		seen := out.Trials[0]
		lost := 2_990_000.0
		if want > 0 {
			lost += 60_000
		}
		if math.Abs(float64(seen.Lost)-lost) > 2 {
			t.Errorf("%s: %d lost, want %v", spec, seen.Lost, lost)
		}
	}
	var asked rfc2544.Trial
	fast := measurerFunc(func(tr rfc2544.Trial) rfc2544.Observation {
		asked = tr
		return rfc2544.Observation{Valid: true, Counts: rfc2544.Counts{Offered: tr.Frames(), Intended: tr.Frames(), Received: tr.Frames()}}
	})
	run(t)(rfc2544.RunRecovery(background, fast, rfc2544.RecoveryConfig{Size: 64, Throughput: 95e4, Most: 1e6, Overload: time.Minute, After: time.Second, Repeats: 1}))
	if asked.Load != 1e6 || asked.Step != 5e5 {
		t.Errorf("overload %v, then %v", asked.Load, asked.Step)
	}
}

// Case 9: reset.
func TestConformanceReset(t *testing.T) {
	t.Parallel()
	measure := func(d *simulated.Device, kind rfc2544.ResetKind, off time.Duration) rfc2544.Outcome {
		return run(t)(rfc2544.RunReset(background, d, rfc2544.ResetConfig{Size: 64, Throughput: 5e5, Kind: kind, Clean: rfc2544.ResetClean, Off: off, Limit: 10 * time.Second, Repeats: 1}))
	}
	d := device(t, "capacity=500kpps,boot_time=2500ms")
	out := measure(d, rfc2544.ResetProcess, 0)
	wantValue(t, out, "reset_loss", 1_250_000, 0)
	wantValue(t, out, "reset_time", 2500e6, 0)
	wantValue(t, out, "reset_time_timestamp", 2500e6, 2000)

	d.InFlightLoss = 10_000 // they die with the process
	out = measure(d, rfc2544.ResetProcess, 0)
	wantValue(t, out, "reset_loss", 1_260_000, 0)
	wantValue(t, out, "reset_time", 2520e6, 0)
	wantValue(t, out, "reset_time_timestamp", 2500e6, 2000)
	if !strings.Contains(strings.Join(out.Warnings, " "), "2.52s") {
		t.Errorf("the methods disagree unseen: %q", out.Warnings)
	}

	d.InFlightLoss = 0
	out = measure(d, rfc2544.ResetPower, rfc2544.PowerOff)
	wantValue(t, out, "reset_loss", 8_750_000, 0)
	wantValue(t, out, "reset_time", 2500e6, 0)

	d = device(t, "capacity=500kpps,boot_time=11s") // longer than there is
	if out = measure(d, rfc2544.ResetProcess, 0); out.Valid || len(out.Values) != 0 {
		t.Errorf("a device that does not come back: %+v", out.Values)
	}

	out = measure(device(t, "capacity=500kpps"), rfc2544.ResetProcess, 0)
	wantValue(t, out, "reset_time", 0, 0)
	if !slices.Contains(out.Warnings, "no loss") {
		t.Errorf("a seamless restart: %q", out.Warnings)
	}
}
