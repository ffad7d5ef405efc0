package suite

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/lab/streams"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// simulatedLab is a laboratory for runs, of simulated devices.
type simulatedLab struct{ *labtest.Lab }

func (l simulatedLab) Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error) {
	b, err := l.Lab.Setup(ctx, d, s, largest)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (l simulatedLab) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Group, error) {
	g, err := l.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return simulatedGroup{g}, nil
}

type simulatedGroup struct{ *labtest.Group }

func (g simulatedGroup) Members() (all []Setup) {
	for _, b := range g.Setups {
		all = append(all, b)
	}
	return all
}

func (l simulatedLab) Streams(_ context.Context, d dut.Device, s lab.Settings, _ streams.Plan) (result.Result, error) {
	return lab.NewResult(s, d, rfc2544.NameStreams, 1518), nil
}

// outcome is what a test looks at of a result.
type outcome struct {
	DUT, Test string
	Valid     bool
	Error     string // the end of it: the cause
}

func outcomes(results []result.Result) (all []outcome) {
	for _, r := range results {
		all = append(all, outcome{r.DUT, r.Test, r.Valid, r.Error[strings.LastIndex(r.Error, ":")+1:]})
	}
	return all
}

// aRun measures plain and vxlan by the quick profile.
func aRun(t *testing.T, sizes ...rfc2544.FrameSize) Plan {
	return Plan{Devices: labtest.Devices(t, "plain", "vxlan"), Sizes: sizes, Profile: Profiles()[0], Link: rfc2544.Gigabit}
}

// steady are two devices of which the second is slower.
func steady() map[string]string {
	return map[string]string{"plain": "capacity=500000fps", "vxlan": "capacity=200000fps"}
}

func TestRunOfRounds(t *testing.T) {
	t.Parallel()
	const dead, down = " out of luck", " it is not there"
	for name, c := range map[string]struct {
		lab     labtest.Lab
		streams bool
		want    []outcome
		setUps  int
	}{
		"rate in every round, latency in the last": {
			lab: labtest.Lab{Devices: steady()},
			want: []outcome{
				{"plain", rfc2544.NameRate, true, ""}, {"plain", rfc2544.NameLatency, true, ""},
				{"vxlan", rfc2544.NameRate, true, ""}, {"vxlan", rfc2544.NameLatency, true, ""},
			}, setUps: 2 * 5,
		},
		"streams": {
			lab: labtest.Lab{Devices: steady()}, streams: true,
			want: []outcome{
				{"plain", rfc2544.NameRate, true, ""}, {"plain", rfc2544.NameLatency, true, ""}, {"plain", rfc2544.NameStreams, false, ""},
				{"vxlan", rfc2544.NameRate, true, ""}, {"vxlan", rfc2544.NameLatency, true, ""}, {"vxlan", rfc2544.NameStreams, false, ""},
			}, setUps: 2 * 5,
		},
		"a device that dies costs its own results": {
			lab: labtest.Lab{Devices: steady(), Dies: map[string]int{"plain": 3}},
			want: []outcome{
				{"plain", rfc2544.NameRate, false, dead},
				{"vxlan", rfc2544.NameRate, true, ""}, {"vxlan", rfc2544.NameLatency, true, ""},
			}, setUps: 1 + 5,
		},
		"a device that does not come up": {
			lab: labtest.Lab{Devices: map[string]string{"plain": steady()["plain"]}},
			want: []outcome{
				{"plain", rfc2544.NameRate, true, ""}, {"plain", rfc2544.NameLatency, true, ""},
				{"vxlan", rfc2544.NameRate, false, down},
			}, setUps: 1 + 5, // once beside the other one, which fails
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := aRun(t, 64)
			if c.streams {
				plan.Streams = &streams.Plan{}
			}
			heard := 0
			plan.OnResult = func(_ *result.Results, _ result.Result) { heard++ }
			r := &result.Results{}
			if err := Run(context.Background(), simulatedLab{&c.lab}, plan, r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, outcomes(r.Results)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			if len(c.lab.SetUp) != c.setUps || c.lab.Down != c.setUps || heard != len(c.want) {
				t.Errorf("%d set up and %d taken down, want %d; heard of %d results, want %d", len(c.lab.SetUp), c.lab.Down, c.setUps, heard, len(c.want))
			}
		})
	}
}

// A rate that is found is the device's, within the width of the search.
func TestRunFindsTheRate(t *testing.T) {
	t.Parallel()
	r := &result.Results{}
	if err := Run(context.Background(), simulatedLab{&labtest.Lab{Devices: steady()}}, aRun(t, 64), r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(aRun(t, 64).Settings.Conditions(0), r.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	for _, res := range r.Results {
		if len(res.Shortfalls) == 0 {
			t.Errorf("%s, %s: trials of seconds fall short of nothing", res.DUT, res.Test)
		}
		want := map[string]float64{"plain": 500e3, "vxlan": 200e3}[res.DUT]
		if rate := res.Values[0].Value; res.Test == rfc2544.NameRate && (rate < 0.95*want || rate > 1.01*want) {
			t.Errorf("%s: %.0f fps, want about %.0f", res.DUT, rate, want)
		}
	}
}

// An interrupt keeps what is measured, and is no fault of a device's.
func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	for name, rates := range map[string]int{"before anything": 0, "in the second device": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if rates == 0 {
				cancel()
			}
			plan, r := aRun(t, 64), &result.Results{}
			plan.OnTrial = func(device string, _ rfc2544.Trial, _ rfc2544.Observation) {
				if device == "vxlan" {
					cancel()
				}
			}
			l := &labtest.Lab{Devices: steady()}
			if err := Run(ctx, simulatedLab{l}, plan, r); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want %v", err, context.Canceled)
			}
			for _, res := range r.Results {
				if res.Error != "" {
					t.Errorf("%s: %s", res.DUT, res.Error)
				}
			}
			if len(l.SetUp) != l.Down {
				t.Errorf("%d set up, %d taken down", len(l.SetUp), l.Down)
			}
			if rates > 0 && (len(r.Results) == 0 || r.Results[0].DUT != "plain") {
				t.Errorf("what was measured is lost: %+v", outcomes(r.Results))
			}
		})
	}
}

// A suite that was cut short goes on where it was and finds the same as one that was not.
func TestSuiteResumesSimulated(t *testing.T) {
	t.Parallel()
	whole := func(path string, resume bool, most int) (*result.Results, *Journal, error) {
		j, err := OpenJournal(t.Context(), path, someKey, resume)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		plan, r, trials := aRun(t, 64), &result.Results{}, 0
		plan.Devices = plan.Devices[:1]
		plan.Profile, plan.Journal = Profile{Name: "tiny", Suite: &tinySuite, Goals: tinySuite.Goals()}, j
		plan.OnTrial = func(string, rfc2544.Trial, rfc2544.Observation) {
			if trials++; trials == most {
				cancel()
			}
		}
		err = Run(ctx, simulatedLab{&labtest.Lab{Devices: map[string]string{"plain": "capacity=5000fps,boot_time=100ms"}}}, plan, r)
		return r, j, err
	}
	dir := t.TempDir()
	want, _, err := whole(filepath.Join(dir, "whole"), false, 0)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut")
	if _, j, err := whole(cut, false, 7); !errors.Is(err, context.Canceled) || j.Close() != nil {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	got, j, err := whole(cut, true, 0)
	if err != nil || j.Replayed != 7 || j.Waiting != 7 {
		t.Fatalf("%d of %d trials were not measured again, want 7; %v", j.Replayed, j.Waiting, err)
	}
	if diff := cmp.Diff(outcomes(want.Results), outcomes(got.Results)); diff != "" {
		t.Errorf("results of a whole run and a resumed one (-whole +resumed):\n%s", diff)
	}
	l := &labtest.Lab{} // in which nothing comes up
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = OpenJournal(t.Context(), cut, someKey, true); err != nil {
		t.Fatal(err)
	}
	plan, all := aRun(t, 64), &result.Results{}
	plan.Devices = plan.Devices[:1]
	plan.Profile, plan.Journal = Profile{Name: "tiny", Suite: &tinySuite, Goals: tinySuite.Goals()}, j
	if err := Run(t.Context(), simulatedLab{l}, plan, all); err != nil || len(l.SetUp) > 0 {
		t.Errorf("a run of which all is recorded: %v; brought up: %v", err, l.SetUp)
	}
	if diff := cmp.Diff(outcomes(want.Results), outcomes(all.Results)); diff != "" {
		t.Errorf("results of a whole run and one of which all is recorded (-whole +recorded):\n%s", diff)
	}
	var names []string
	for _, r := range got.Results {
		names = append(names, r.Test)
	}
	every := []string{
		rfc2544.NameRate, rfc2544.NameLatency, rfc2544.NameThroughput, rfc2544.NameNetworks, rfc2544.NameDelay, rfc2544.NameLossRate,
		rfc2544.NameBackToBack, rfc2544.NameRecovery, rfc2544.NameBursts, "reset_process", "reset_system", "reset_power",
	}
	if diff := cmp.Diff(every, names); diff != "" {
		t.Errorf("tests (-want +got):\n%s", diff)
	}
}

// tinySuite has every test, in seconds, at loads that any machine carries.
var tinySuite = rfc2544.Suite{Tests: []rfc2544.Config{
	rfc2544.SearchConfig{
		Goals: []mlrsearch.Goal{{Name: "ndr", Initial: 50 * time.Millisecond, Final: 50 * time.Millisecond, Sum: 50 * time.Millisecond, Width: 0.3}}, Limit: 5 * time.Second,
	},
	rfc2544.LatencyConfig{Trial: 50 * time.Millisecond, Repeats: 1},
	rfc2544.ThroughputConfig{Exploratory: 50 * time.Millisecond, Trial: 100 * time.Millisecond, Width: 0.3, Limit: 5 * time.Second},
	rfc2544.ThroughputConfig{Exploratory: 50 * time.Millisecond, Trial: 100 * time.Millisecond, Width: 0.3, Limit: 5 * time.Second, Networks: 16},
	rfc2544.DelayConfig{Stream: 200 * time.Millisecond, TagFrom: 50 * time.Millisecond, Runs: 1},
	rfc2544.LossRateConfig{Step: 10, Trial: 20 * time.Millisecond},
	rfc2544.BackToBackConfig{Repeats: 1, Step: 1000},
	rfc2544.RecoveryConfig{Overload: 100 * time.Millisecond, After: 100 * time.Millisecond, Repeats: 1},
	rfc2544.BurstsConfig{Trial: 50 * time.Millisecond, Width: 0.5, Limit: 5 * time.Second},
	tinyReset(rfc2544.ResetProcess), tinyReset(rfc2544.ResetSystem), tinyReset(rfc2544.ResetPower),
}}

func tinyReset(kind rfc2544.ResetKind) rfc2544.Config {
	return rfc2544.ResetConfig{Kind: kind, Clean: 300 * time.Millisecond, Off: 300 * time.Millisecond, Limit: 1500 * time.Millisecond, Repeats: 1}
}

// A run with a control has the share of it for every other device.
func TestRunBesideControl(t *testing.T) {
	t.Parallel()
	l := &labtest.Lab{Devices: steady()}
	plan := aRun(t, 64)
	plan.Control = &plan.Devices[0]
	r := &result.Results{}
	if err := Run(t.Context(), simulatedLab{l}, plan, r); err != nil {
		t.Fatal(err)
	}
	shares := map[string]float64{}
	for i := range r.Results {
		if v := r.Results[i].Value("ratio_to_plain"); v != nil {
			shares[r.Results[i].DUT] = v.Value
		}
		if r.Results[i].Test == rfc2544.NameClosedLoop && r.Results[i].Value("normal_rate") == nil {
			t.Errorf("%s has no normal rate", r.Results[i].DUT)
		}
	}
	if share := shares["vxlan"]; len(shares) != 1 || share < 39 || share > 41 {
		t.Errorf("shares of plain: %v, want 40 %% for vxlan alone", shares)
	}
	if len(l.SetUp) != l.Down {
		t.Errorf("%d devices were brought up and %d taken down", len(l.SetUp), l.Down)
	}
}

// With a self-test the normal rate is at the speed that it knows; without one, at the best of the run.
func TestNominalSpeed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		certificate *result.Certificate
		want, note  bool
	}{
		"no self-test": {note: true},
		"a self-test": {certificate: &result.Certificate{Engine: lab.EngineXDP, Speeds: []result.Speed{{
			Control: "plain", FrameSize: 64, Nominal: 1e6, Followers: []result.Follower{{Device: "vxlan", Slope: 1, Weight: 1}},
		}}}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := aRun(t, 64)
			plan.Control = &plan.Devices[0]
			r := &result.Results{Certificate: c.certificate}
			if err := Run(t.Context(), simulatedLab{&labtest.Lab{Devices: steady()}}, plan, r); err != nil {
				t.Fatal(err)
			}
			want := 200e3
			if c.want {
				want *= 2 // plain has half of its nominal rate, and vxlan follows fully
			}
			for i := range r.Results {
				if v := r.Results[i].Value("normal_rate"); v != nil && r.Results[i].DUT == "vxlan" && math.Abs(v.Value/want-1) > 0.03 {
					t.Errorf("normal rate %.0f, want %.0f", v.Value, want)
				}
			}
			says := slices.ContainsFunc(r.Host.Notes, func(n string) bool { return strings.Contains(n, "self-test knows no better one") })
			if says != c.note {
				t.Errorf("notes %q; says that nothing is known: %t, want %t", r.Host.Notes, says, c.note)
			}
		})
	}
}
