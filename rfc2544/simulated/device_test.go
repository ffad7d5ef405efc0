package simulated

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func device(t testing.TB, spec string) *Device {
	t.Helper()
	d, err := Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// observed is what one trial shows; its counts have to balance.
func observed(t *testing.T, m rfc2544.Measurer, load rfc2544.Rate, d time.Duration) rfc2544.Observation {
	t.Helper()
	seen, err := m.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: load, Duration: d})
	if err != nil {
		t.Fatal(err)
	}
	if seen.Offered != seen.Received+seen.Lost || seen.Drops.Sum() != int64(seen.Lost) {
		t.Errorf("%v for %v: the counts do not balance: %+v", load, d, seen)
	}
	return seen
}

func TestPolicer(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=605000fps")
	for _, c := range []struct {
		load     rfc2544.Rate
		out      uint64
		lossOnce float64
	}{{1e6, 36_300_000, 0.395}, {9e5, 36_300_000, 17.7 / 54}, {6e5, 36_000_000, 0}} {
		seen := observed(t, d, c.load, time.Minute)
		if seen.Received != c.out || math.Abs(seen.LossRatio()-c.lossOnce) > 1e-12 {
			t.Errorf("%v: %d frames, loss %v; want %d, %v", c.load, seen.Received, seen.LossRatio(), c.out, c.lossOnce)
		}
	}
	if d.Elapsed() != 3*time.Minute {
		t.Errorf("%v on the virtual clock, want 3m", d.Elapsed())
	}
}

// TestQueue: what a buffer hides depends on the length of the trial.
func TestQueue(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=437600fps,queue=4096")
	for length, limit := range map[time.Duration]rfc2544.Rate{100 * time.Millisecond: 478560, time.Second: 441696, time.Minute: 437668.3} {
		if seen := observed(t, d, limit-30, length); seen.Lost != 0 {
			t.Errorf("%v below the limit of %v: %d lost", limit-30, length, seen.Lost)
		}
		if seen := observed(t, d, limit+30, length); seen.Lost == 0 {
			t.Errorf("%v above the limit of %v: nothing lost", limit+30, length)
		}
	}
	// A burst at 1 Mfps into 500 kfps and 1,000 places: 1,999 frames get through.
	d = device(t, "capacity=500000fps,queue=1000")
	for frames, lost := range map[int]uint64{1000: 0, 1999: 0, 2000: 1, 4000: 1001} {
		if seen := observed(t, d, 1e6, time.Duration(frames)*time.Microsecond); seen.Lost != lost {
			t.Errorf("burst of %d: %d lost, want %d", frames, seen.Lost, lost)
		}
	}
}

func TestQueueLatency(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=100000fps,queue=1000,latency=20us")
	if got := observed(t, d, 50e3, time.Second).Latency; got.Min != 20*time.Microsecond || got.Max != got.Min || got.N != 50000 {
		t.Errorf("below capacity: %+v", got)
	}
	if got := observed(t, d, 200e3, time.Second).Latency; got.Min != 20*time.Microsecond || got.P50 != 10020*time.Microsecond || got.Max != got.P50 {
		t.Errorf("above capacity: %+v", got)
	}
	if got := observed(t, device(t, "capacity=0.1fps"), 1000, time.Second).Latency; got != nil {
		t.Errorf("no frame came, but latency is %+v", got)
	}
}

func TestRandomLoss(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]float64{"loss=0.0001": 1e-4, "loss=0.000001": 1e-6, "loss=0.5": 0.5, "loss=1": 1} {
		d := device(t, "capacity=max,seed=7,"+spec)
		var lost, sent uint64
		for range 400 {
			seen := observed(t, d, 1e5, time.Second)
			lost, sent = lost+seen.Lost, sent+seen.Offered
		}
		mean := float64(sent) * want
		if math.Abs(float64(lost)-mean) > 5*math.Sqrt(mean) {
			t.Errorf("%s: %d of %d lost, want about %.0f", spec, lost, sent, mean)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	spread := func(spec string) (low, high rfc2544.Rate, invalid int) {
		d := device(t, "capacity=100000fps,"+spec)
		low = rfc2544.Flood
		for range 400 {
			seen := observed(t, d, 1e6, time.Second)
			low, high = min(low, seen.ForwardingRate()), max(high, seen.ForwardingRate())
			if !seen.Valid {
				invalid++
			}
		}
		return low, high, invalid
	}
	if low, high, _ := spread("noise=0.02"); low > 96e3 || low < 90e3 || high < 104e3 || high > 110e3 {
		t.Errorf("noise: %v to %v", low, high)
	}
	if low, high, _ := spread("bimodal=0.8"); low != 80e3 || high != 100e3 {
		t.Errorf("bimodal: %v to %v", low, high)
	}
	if low, high, _ := spread("drift=-0.001"); low != 60100 || high != 100e3 {
		t.Errorf("drift: %v to %v", float64(low), high)
	}
	if _, _, invalid := spread("invalid=0.25"); invalid < 60 || invalid > 140 {
		t.Errorf("invalid: %d of 400", invalid)
	}
}

// Disturbed slices lose frames that the clean part does not know of.
func TestDisturbed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, spec  string
		clean       float64 // share of the time
		loss, quiet float64 // over all frames, over those of the clean part
	}{
		{"never", "capacity=max", 1, 0, 0},
		{"a fifth", "capacity=max,disturbed=0.2", 0.8, 0.1, 0},
		{"a fifth, lossless", "capacity=max,disturbed=0.2,disturbed_loss=0", 0.8, 0, 0},
		{"a fifth of an overloaded device", "capacity=50000fps,disturbed=0.2", 0.8, 0.55, 0.5},
		{"always", "capacity=max,disturbed=1", 0, 0.5, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const tolerance = 0.02 // of a minute: 6000 slices
			o := observed(t, device(t, c.spec), 100e3, time.Minute)
			for what, off := range map[string]float64{
				"clean": o.CleanShare() - c.clean, "loss": o.LossRatio() - c.loss, "loss of the clean part": o.CleanLossRatio() - c.quiet,
			} {
				if math.Abs(off) > tolerance {
					t.Errorf("%s: off by %v: %+v", what, off, o)
				}
			}
			if (len(o.Disturbed) > 0) != (c.clean < 1) || !o.Valid || o.Latency.N != o.Received {
				t.Errorf("%+v", o)
			}
		})
	}
}

// A tester that cannot send what it should says so.
func TestMaxOffered(t *testing.T) {
	t.Parallel()
	d := device(t, "capacity=max,max_offered=800kpps")
	for load, valid := range map[rfc2544.Rate]bool{700e3: true, 900e3: false, rfc2544.Flood: true} {
		if o := observed(t, d, load, time.Second); o.Valid != valid || o.Invalid.Has(rfc2544.SenderShort) == valid || o.Offered > 800e3 {
			t.Errorf("%v: %+v", load, o)
		}
	}
}

func TestFlood(t *testing.T) {
	t.Parallel()
	seen := observed(t, device(t, "capacity=100%"), rfc2544.Flood, time.Second)
	if seen.Intended != 0 || seen.Offered != 1488095 || seen.Lost != 0 {
		t.Errorf("%+v", seen)
	}
}

func TestSimulatedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := device(t, "capacity=1kpps").Measure(ctx, rfc2544.Trial{Size: 64, Load: 1, Duration: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	load := func(text string) rfc2544.Load {
		l, err := rfc2544.ParseLoad(text)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	full := Device{
		Capacity: load("437600fps"), Queue: 4096, Loss: 0.0001, Noise: 0.02, Bimodal: 0.8, Drift: -0.001,
		Latency: 20 * time.Microsecond, Invalid: 0.1, Disturbed: 0.2, DisturbedLoss: 0.5, Seed: 7,
	}
	slow := Device{
		Capacity: load("500kpps"), MaxOffered: load("800kpps"), RecoveryTime: 800 * time.Millisecond, RecoveryRate: load("200kpps"), BootTime: 2 * time.Second,
	}
	for _, c := range []struct {
		name, text string
		want       Device
	}{
		{"trial to trial", "capacity=437600fps,queue=4096,loss=0.0001,noise=0.02,latency=20us,bimodal=0.8,drift=-0.001,invalid=0.1,disturbed=0.2,seed=7", full},
		{"recovery", "capacity=500kpps,max_offered=800kpps,recovery_time=800ms,recovery_rate=200kpps,boot_time=2s", slow},
		{"recovery, older names", "capacity=500kpps,offers=800kpps,weary=800ms,slow=200kpps,boot=2s", slow},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, *got, cmp.AllowUnexported(Device{}, rfc2544.Load{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, complaint string }{
		{"nothing", "", "key=value"},
		{"no capacity", "queue=5", "capacity is missing"},
		{"capacity without unit", "capacity=5", "capacity"},
		{"unknown key", "capacity=5fps,speed=1", `unknown key "speed"`},
		{"key twice", "capacity=5fps,capacity=6fps", "comes twice"},
		{"queue of one", "capacity=5fps,queue=1", "queue"},
		{"queue not whole", "capacity=5fps,queue=1e3", "queue"},
		{"loss above 1", "capacity=5fps,loss=2", "loss"},
		{"loss below 0", "capacity=5fps,loss=-1", "loss"},
		{"noise no number", "capacity=5fps,noise=x", "noise"},
		{"bimodal NaN", "capacity=5fps,bimodal=NaN", "bimodal"},
		{"drift Inf", "capacity=5fps,drift=Inf", "drift"},
		{"latency without unit", "capacity=5fps,latency=5", "latency"},
		{"seed below 0", "capacity=5fps,seed=-1", "seed"},
		{"disturbed above 1", "capacity=5fps,disturbed=1.5", "disturbed"},
		{"invalid above 1", "capacity=5fps,invalid=1.5", "invalid"},
		{"recovery time below 0", "capacity=5fps,recovery_time=-1s", "recovery_time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.complaint) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: error %v, want one line with %q", c.text, err, c.complaint)
			}
		})
	}
}
