package once

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/neighbour"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// open opens the lab until the test ends.
func open(t *testing.T, cfg lab.Config) *lab.Lab {
	t.Helper()
	testenv.NetAdmin(t)
	cfg.Wait = true
	l, err := lab.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// settings are those of a test's trials.
var settings = lab.Settings{MaxFrames: 1 << 22, LossTimeout: 300 * time.Millisecond}

// A trial says what a reader has to know of its lab, and nothing else.
func TestDoubtsOfATrial(t *testing.T) {
	testenv.NetAdmin(t)
	cpus, err := netns.AllowedCPUs()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := neighbour.Parse("neighbour", cpus)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg  lab.Config
		want []string
	}{
		"alone":       {lab.Config{}, []string{}},
		"beside":      {lab.Config{Beside: plan}, []string{"Measured beside the neighbour, which disturbs on purpose: " + plan.String() + "."}},
		"on one core": {lab.Config{CPUs: netns.CPUOverrides{Tester: cpus[:1], DUT: cpus[:1]}}, []string{result.SharedCores}},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, c.cfg)
			d, err := dut.Parse("plain")
			if err != nil {
				t.Fatal(err)
			}
			o, _, err := Measure(context.Background(), l, settings, Trial{d, rfc2544.Trial{Size: 64, Load: 1000, Duration: 50 * time.Millisecond}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, o.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// A trial that is cut short has what was measured, and is not valid. Frames that are on their way when
// it ends are not lost.
func TestTrialThatIsCutShort(t *testing.T) {
	for _, engine := range []string{lab.EngineXDP, lab.EngineAFPacket} {
		t.Run(engine, func(t *testing.T) {
			l := open(t, lab.Config{})
			set := settings
			set.Engine, set.WAN = engine, "delay=100ms"
			set.LossTimeout = time.Second
			if _, err := l.Calibrate(context.Background(), set, 64); err != nil { // Measure does not have to
				t.Fatal(err)
			}
			o, err := cutShort(t, l, set)
			if !errors.Is(err, context.Canceled) || o.Valid || len(o.Invalid) != 1 || !o.Invalid.Has(rfc2544.CutShort) {
				t.Errorf("%v, %v %v", err, o.Valid, o.Invalid)
			}
			if o.LossRatio() != 0 || o.Duration <= 0 || o.Duration > 10*time.Minute || o.Latency == nil {
				t.Errorf("%d of %d frames in %v, latency %v", o.Received, o.Offered, o.Duration, o.Latency)
			}
			if err := result.CheckTrial(o); err != nil {
				t.Error(err)
			}
		})
	}
}

// cutShort measures a trial of an hour and ends it after some seconds: the more, the longer this machine
// takes to bring the device up.
func cutShort(t *testing.T, l *lab.Lab, set lab.Settings) (o rfc2544.Observation, err error) {
	t.Helper()
	for wait := 4 * time.Second; wait < 2*time.Minute; wait *= 2 {
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(wait, cancel)
		o, _, err = Measure(ctx, l, set, Trial{labtest.Devices(t, "plain")[0], rfc2544.Trial{Size: 64, Load: 1000, Duration: time.Hour}})
		timer.Stop()
		cancel()
		if o.Offered > 0 && o.LossRatio() == 0 {
			break
		}
	}
	return o, err
}
