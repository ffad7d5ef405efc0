package pairs

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// goodput simulates the measurement of a TCP stream.
func goodput(context.Context, dut.Device, lab.Settings) (float64, bool, error) { return 2e6, true, nil }

func emptySets() (base, head *gate.Set) {
	set := func(side, hash string) *gate.Set {
		return &gate.Set{Schema: gate.SetSchema, Side: side, Seed: 1, Builds: []gate.Build{{SHA256: strings.Repeat(hash, 64)}}}
	}
	return set(gate.BaseSide, "0"), set(gate.HeadSide, "1")
}

// simulatedLab is a lab with simulated devices.
type simulatedLab struct{ *labtest.Lab }

func (l simulatedLab) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error) {
	g, err := l.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (l simulatedLab) Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (compare.Setup, error) {
	b, err := l.Lab.Setup(ctx, d, s, largest)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// simulate runs a gate with plain and vxlan in place of the two builds.
func simulate(t *testing.T, l *labtest.Lab, metric string, time time.Duration) (Sides, gate.Judgement, error) {
	t.Helper()
	policy, err := gate.ParsePolicy(gate.DefaultPolicy(), "policy")
	if err == nil {
		policy, err = policy.Only([]string{metric})
	}
	if err != nil {
		t.Fatal(err)
	}
	base, head := emptySets()
	saved := 0
	ctx, stop := Limit(t.Context(), time)
	defer stop()
	run := Run{Policy: policy, Sides: Sides{base, head}, Log: io.Discard, Save: func() error { saved++; return nil }}
	_, err = run.Measure(ctx, simulatedLab{l}, Plan{
		Base: labtest.Devices(t, "plain"), Head: labtest.Devices(t, "vxlan"), Goodput: goodput, Link: rfc2544.Gigabit,
	})
	if saved != 1+len(head.Turns) && ctx.Err() == nil {
		t.Errorf("saved %d times: before the first of %d pairs and after each", saved, len(head.Turns))
	}
	if len(l.SetUp) != l.Down {
		t.Errorf("%d devices were brought up and %d taken down", len(l.SetUp), l.Down)
	}
	j, fault := gate.Judge(policy, base, head)
	return Sides{base, head}, j, errors.Join(err, fault)
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, head string
		dies       map[string]int
		time       time.Duration
		want       string
	}{
		{"as fast", "capacity=500000fps,seed=5", nil, time.Hour, gate.Pass},
		{"20 % slower", "capacity=400000fps", nil, time.Hour, gate.Fail},
		{"the head dies", "capacity=500000fps", map[string]int{"vxlan": 1}, time.Hour, gate.Fail},
		{"the head forwards nothing", "capacity=500000fps,loss=1", nil, time.Hour, gate.Fail},
		{"no time for a pair", "capacity=500000fps", nil, 0, gate.Inconclusive},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := &labtest.Lab{Devices: map[string]string{"plain": "capacity=500000fps", "vxlan": c.head}, Dies: c.dies}
			_, j, err := simulate(t, l, "closed_loop_rate/64", c.time)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, j.Report.Verdict); diff != "" {
				t.Errorf("%s (%s)", diff, j.Report.Why)
			}
		})
	}
}

// Both sides of a pair are measured, in random order.
func TestPairsAreInterleaved(t *testing.T) {
	t.Parallel()
	l := &labtest.Lab{Others: "capacity=500000fps,noise=0.002"}
	sides, _, err := simulate(t, l, "closed_loop_rate/64", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	first := map[int]int{}
	for i, head := range sides.Head.Turns {
		base := sides.Base.Turns[i]
		if head.Place+base.Place != 3 || head.Pair != base.Pair {
			t.Errorf("pair %d: places %d and %d", head.Pair, base.Place, head.Place)
		}
		first[head.Place]++
	}
	if first[1] == 0 || first[2] == 0 {
		t.Errorf("the head's places are always the same: %v", first)
	}
}

// The death of a device is recorded on its own side. The other side, which was up beside it, is
// measured alone in the same pair.
func TestDeathIsRecordedOnItsSide(t *testing.T) {
	t.Parallel()
	for name, dies := range map[string]int{"in the first trial": 1, "later": 7} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &labtest.Lab{Devices: map[string]string{"plain": "capacity=500000fps", "vxlan": "capacity=500000fps"}, Dies: map[string]int{"vxlan": dies}}
			sides, _, err := simulate(t, l, "closed_loop_rate/64", time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			base, head := sides.Base.Turns[0], sides.Head.Turns[0]
			if v, asked := head.Values["closed_loop_rate/64"]; head.Died == "" || v != nil || !asked {
				t.Errorf("the head died: %+v", head)
			}
			if v := base.Values["closed_loop_rate/64"]; base.Died != "" || v == nil || *v < 490e3 || *v > 510e3 {
				t.Errorf("the base of 500 kfps survived: %+v", base)
			}
		})
	}
}

func TestUnknownMetricIsABadChoice(t *testing.T) {
	t.Parallel()
	base, head := emptySets()
	plan := Plan{Base: labtest.Devices(t, "plain"), Head: labtest.Devices(t, "plain")}
	_, err := Open(t.Context(), simulatedLab{&labtest.Lab{}}, plan, []gate.SetMetric{{Name: "magic"}}, Sides{base, head})
	if !errors.Is(err, lab.ErrConfig) {
		t.Error(err)
	}
}
