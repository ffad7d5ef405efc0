package control

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// moving returns blocks of a machine that is slow in some of them: the control then has share of its
// 500 kfps, and a device of 300 kfps follows with this slope.
func moving(slow []bool, share, slope float64) (blocks []Block) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func() float64 { return math.Exp(0.01 * random.NormFloat64()) }
	for _, isSlow := range slow {
		b := Block{500e3 * noise(), 300e3 * noise()}
		if isSlow {
			b.Control *= share
			b.Device *= math.Pow(share, slope)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func half(n int) (slow []bool) {
	for i := range n {
		slow = append(slow, i%2 == 0)
	}
	return slow
}

// readWith returns the reading of device x.
func readWith(k Known, bringUps [][]Block) (r Reading, ok bool) {
	nominal, ofRun := k.NominalRate(slices.Concat(bringUps...))
	r, ok = ReadBlocks(bringUps, nominal, k.Lines["x"])
	r.NominalOfRun = ofRun
	return r, ok
}

// The rate at the control's nominal speed does not depend on how long the machine was slow.
func TestReadings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		bringUps [][]Block
		want     float64 // normal rate
	}{
		{"steady", [][]Block{moving(make([]bool, 20), 1, 1)}, 300e3},
		{"follows fully", [][]Block{moving(half(20), 0.75, 1)}, 300e3},
		{"follows little", [][]Block{moving(half(20), 0.75, 0.3)}, 300e3},
		{"follows not at all", [][]Block{moving(half(20), 0.75, 0)}, 300e3},
		{"slow in one of two bring-ups", [][]Block{moving(make([]bool, 10), 1, 1), moving([]bool{true, true, true, true, true, true}, 0.75, 0.3)}, 300e3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, ok := readWith(Known{}, c.bringUps)
			if !ok || math.Abs(r.Normal.Value/c.want-1) > 0.02 || math.Abs(r.Ratio.Value/0.6-1) > 0.03 {
				t.Fatalf("normal rate %.0f, ratio %.3f, %v", r.Normal.Value, r.Ratio.Value, ok)
			}
			if r.Normal.Lower > r.Normal.Value || r.Normal.Upper < r.Normal.Value || r.Normal.Upper/r.Normal.Lower > 1.1 {
				t.Errorf("interval %.0f to %.0f around %.0f", r.Normal.Lower, r.Normal.Upper, r.Normal.Value)
			}
		})
	}
}

func TestTooFewBlocks(t *testing.T) {
	t.Parallel()
	if r, ok := readWith(Known{}, [][]Block{moving(half(enoughBlocks-1), 1, 1)}); ok {
		t.Errorf("%+v from %d blocks", r, enoughBlocks-1)
	}
}

// A block has the turns in which nothing disturbed either of the two.
func TestBlocks(t *testing.T) {
	t.Parallel()
	turns := func(clean ...bool) (turned lab.Turned) {
		for i, c := range clean {
			turned.Turns = append(turned.Turns, lab.Turn{Clean: c, Sending: time.Second, Received: uint64(100 * (i + 1))})
		}
		return turned
	}
	got := blocksOf(turns(true, true, true, false, true, true, true), turns(true, true, true, true, true, true))
	if diff := cmp.Diff([]Block{{150, 150}, {300, 300}, {550, 550}}, got); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

// What is known of the machine stands in for what the run did not meet.
func TestKnown(t *testing.T) {
	t.Parallel()
	slow := [][]Block{moving(slices.Repeat([]bool{true}, 20), 0.75, 0.3)} // the fast speed was never met
	for _, c := range []struct {
		name         string
		known        Known
		lower, upper float64 // the normal rate lies between
		ratio        float64
	}{
		{"nothing: the run's own best speed", Known{}, 270e3, 282e3, 0.733},
		{"nominal rate and slope", Known{Nominal: 500e3, Lines: map[string]Line{"x": {Slope: 0.3, Weight: 1}}}, 295e3, 305e3, 0.6},
		{"nominal rate alone: the interval holds every slope", Known{Nominal: 500e3}, 272e3, 371e3, 0.733},
		{"a nominal rate below this run's: the self-test met the slow speed only", Known{Nominal: 300e3}, 270e3, 282e3, 0.733},
		{"another device's slope", Known{Nominal: 500e3, Lines: map[string]Line{"y": {Slope: 0.3, Weight: 1}}}, 272e3, 371e3, 0.733},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, ok := readWith(c.known, slow)
			if !ok || r.Normal.Lower < c.lower || r.Normal.Upper > c.upper || math.Abs(r.Ratio.Value/c.ratio-1) > 0.02 {
				t.Errorf("normal rate %+v, want from %.0f to %.0f; ratio %.3f, want %.3f", r.Normal, c.lower, c.upper, r.Ratio.Value, c.ratio)
			}
			if r.NominalOfRun != (c.known.Nominal < 500e3) {
				t.Errorf("the nominal rate is the run's: %v", r.NominalOfRun)
			}
		})
	}
}

// A self-test that somebody damaged costs a reading, not the run.
func TestDamagedSelfTest(t *testing.T) {
	t.Parallel()
	slow := [][]Block{moving(slices.Repeat([]bool{true}, 20), 0.75, 0.3)}
	for _, k := range []Known{{Nominal: math.MaxFloat64, Lines: map[string]Line{"x": {Slope: 1.5, Weight: 1}}}, {Nominal: math.MaxFloat64}} {
		if r, ok := readWith(k, slow); ok && (!isFinite(r.Normal) || !isFinite(r.Ratio)) {
			t.Errorf("%+v: %+v", k, r)
		}
	}
}

// The interval of a normal rate is wider the farther the control was from its nominal rate, and the
// less is known of the slope.
func TestDoubtOfTheSlope(t *testing.T) {
	t.Parallel()
	width := func(nominal, weight float64) float64 {
		l := Line{Slope: 0.3, Weight: weight}
		lower, upper := l.doubt(moving(make([]bool, 20), 1, 1), nominal)
		return upper / lower
	}
	near, far, heavy := width(510e3, 0.4), width(700e3, 0.4), width(700e3, 4)
	if !(1 < near && near < heavy && heavy < far && far < 1.1) {
		t.Errorf("widths: near %.3f, far %.3f, far with a better known slope %.3f", near, far, heavy)
	}
}

// The control follows itself, whatever else is known.
func TestControlsOwnReading(t *testing.T) {
	t.Parallel()
	plain, err := dut.Parse("plain")
	if err != nil {
		t.Fatal(err)
	}
	s := NewSeries(64, Known{Nominal: 680e3})
	s.devices = []dut.Device{plain}
	steady := moving(make([]bool, 20), 1, 1)
	for i := range steady {
		steady[i].Device = steady[i].Control
	}
	s.blocks["plain"] = [][]Block{steady}
	got := s.Readings()
	if len(got) != 1 || math.Abs(got[0].Normal.Lower/680e3-1) > 0.001 || math.Abs(got[0].Normal.Upper/680e3-1) > 0.001 {
		t.Errorf("%+v, want its nominal rate and no doubt", got)
	}
}

// Two measurements of a slope count by how far the control's speed moved in them.
func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		a, b Line
		want Line
	}{
		{"nothing known", Line{}, Line{}, Line{Slope: 1}},
		{"one", Line{Slope: 0.5, Weight: 1}, Line{}, Line{Slope: 0.5, Weight: 1}},
		{"two", Line{Slope: 0.5, Weight: 1}, Line{Slope: 0.8, Weight: 2}, Line{Slope: 0.7, Weight: 3}},
		{"noise", Line{Slope: -0.5, Weight: 1}, Line{}, Line{Weight: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.a.with(c.b), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
	if l := lineOf(moving(make([]bool, 20), 1, 1)); l != (Line{}) {
		t.Errorf("line %+v of a machine whose speed did not move", l)
	}
}

// What a series showed, written to a self-test, is known to the next run of the same traffic.
func TestSpeedOfASelfTest(t *testing.T) {
	t.Parallel()
	plain, err := dut.Parse("plain")
	if err != nil {
		t.Fatal(err)
	}
	vxlan, err := dut.Parse("vxlan")
	if err != nil {
		t.Fatal(err)
	}
	series := NewSeries(64, Known{})
	series.devices = []dut.Device{plain, vxlan}
	series.blocks["plain"] = [][]Block{moving(half(20), 0.75, 1)}
	series.blocks["vxlan"] = [][]Block{moving(half(20), 0.75, 0.3)}
	speed, ok := series.Speed()
	if !ok || math.Abs(speed.Nominal/500e3-1) > 0.02 || len(speed.Followers) != 1 || math.Abs(speed.Followers[0].Slope-0.3) > 0.05 {
		t.Fatalf("%+v, %v; want 500 kfps, and vxlan with a slope of 0.3", speed, ok)
	}
	certificate := &result.Certificate{Engine: lab.EngineXDP, Speeds: []result.Speed{speed}}
	xdp := lab.Settings{Engine: lab.EngineXDP}
	reverse, both := xdp, xdp
	reverse.Direction, both.IPv6 = rfc2544.Reverse, true
	for _, c := range []struct {
		name        string
		certificate *result.Certificate
		settings    lab.Settings
		control     string
		size        rfc2544.FrameSize
		want        float64
	}{
		{"the same traffic", certificate, xdp, "plain", 64, speed.Nominal},
		{"no self-test", nil, xdp, "plain", 64, 0},
		{"another control", certificate, xdp, "vxlan", 64, 0},
		{"another size", certificate, xdp, "plain", 512, 0},
		{"another engine", certificate, lab.Settings{Engine: lab.EngineAFPacket}, "plain", 64, 0},
		{"another direction", certificate, reverse, "plain", 64, 0},
		{"another IP version", certificate, both, "plain", 64, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := KnownFrom(c.certificate, c.settings, c.control, c.size)
			if k.Nominal != c.want || (c.want > 0) != (k.Lines["vxlan"].Weight > 0) {
				t.Errorf("known: %+v, want %.0f", k, c.want)
			}
		})
	}
}

// A device of which nothing is known follows as the others do, with a doubt as wide as they differ.
func TestExpected(t *testing.T) {
	t.Parallel()
	if l := Expected([]Line{{}, {}}); l != (Line{}) {
		t.Errorf("nothing is known of the others, and %+v of it", l)
	}
	l := Expected([]Line{{Slope: 0.1, Weight: 1}, {Slope: 9}, {Slope: 0.3, Weight: 2}, {Slope: 0.5, Weight: 1}})
	if l.Slope != 0.3 || l.Weight <= 0 {
		t.Errorf("%+v, want the median slope of those that are known", l)
	}
	const far = 1.3 // the control's rate was never nominal
	var blocks []Block
	for i := range 16 {
		blocks = append(blocks, Block{Control: 500, Device: 100 * (1 + 0.03*float64(i%2*2-1))})
	}
	r, ok := ReadBlocks([][]Block{blocks}, far*500, l)
	want := 100 * math.Pow(far, 0.3)
	if !ok || math.Abs(r.Normal.Value/want-1) > 0.02 || r.Normal.Lower > 100*math.Pow(far, 0.05) || r.Normal.Upper < 100*math.Pow(far, 0.55) {
		t.Errorf("%+v, %v, want %.1f with room for slopes from 0 to 0.6", r.Normal, ok, want)
	}
	if u := Usual([]Block{{Control: 700}, {Control: 500}, {Control: 510}}); u != 510 {
		t.Errorf("the usual rate is %v", u)
	}
}
