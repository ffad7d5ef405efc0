package field

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// simulated is a simulated lab. after, if set, is called at the beginning of each bring-up and each group.
type simulated struct {
	*labtest.Lab
	after  func()
	groups [][]string

	faults map[string]error // of the machine, when a device is to be brought up

	goodputs int
	tests    []string // DEVICE TEST
}

func (l *simulated) Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error) {
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	if err := l.faults[d.Spec]; err != nil {
		return nil, err
	}
	b, err := l.Lab.Setup(ctx, d, s, largest)
	if err != nil {
		return nil, err
	}
	return withMemory{b}, nil
}

func (l *simulated) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error) {
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	l.groups = append(l.groups, dut.Specs(devices))
	g, err := l.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (l *simulated) Goodput(ctx context.Context, d dut.Device, s lab.Settings) (bits float64, ok bool, err error) {
	l.goodputs++
	if err := l.begin(ctx); err != nil {
		return 0, false, err
	}
	return 1e9 + float64(l.goodputs), l.goodputs%2 == 0, nil // every other one is disturbed
}

func (l *simulated) Behave(ctx context.Context, d dut.Device, test string) (behaviour.Finding, error) {
	l.tests = append(l.tests, d.Spec+" "+test)
	return behaviour.Finding{Test: test, Verdict: behaviour.None}, l.begin(ctx)
}

func (l *simulated) begin(ctx context.Context) error {
	if l.after != nil {
		l.after()
	}
	return ctx.Err()
}

type withMemory struct{ *labtest.Setup }

func (withMemory) Memory() (int64, bool) { return 1 << 20, true }

// labOf returns a lab of known devices: reference-tun loses most frames, naive is not there.
func labOf() *simulated {
	return &simulated{Lab: &labtest.Lab{Devices: map[string]string{
		"plain": "capacity=700kpps", "vxlan": "capacity=300kpps", "reference-xdp": "capacity=500kpps", "wireguard-go": "capacity=50kpps", "reference-tun": "capacity=100kpps,loss=0.9",
	}}}
}

// planOf returns a plan for these devices, the control first, into a directory.
func planOf(t *testing.T, dir string, resume bool, specs ...string) Plan {
	t.Helper()
	p := Plan{Settings: lab.Settings{Seed: 1}, Sizes: []rfc2544.FrameSize{64, 1518}, Profile: Profiles()[0]}
	for _, d := range labtest.Devices(t, append([]string{"plain"}, specs...)...) {
		p.Devices = append(p.Devices, Describe(context.Background(), d, "v1"))
	}
	p.Control = p.Devices[0].Device
	var err error
	if p.Store, err = Open(context.Background(), dir, Key{Kernel: "6.18", Settings: "seed=1"}, resume); err != nil {
		t.Fatal(err)
	}
	return p
}

// states returns what became of each device.
func states(f *field.Field) map[string]field.State {
	out := map[string]field.State{}
	for _, d := range f.Devices {
		out[d.Name] = d.State
	}
	return out
}

// Every device has its values, or says why not, and the simulated rates come out in their order.
func TestRun(t *testing.T) {
	t.Parallel()
	p := planOf(t, t.TempDir(), false, "vxlan", "reference-xdp", "wireguard-go", "reference-tun", "naive")
	var f field.Field
	l := labOf()
	if err := Run(context.Background(), l, p, &f); err != nil {
		t.Fatal(err)
	}
	want := map[string]field.State{"plain": field.Works, "vxlan": field.Works, "reference-xdp": field.Works, "wireguard-go": field.Works, "reference-tun": field.Overloaded, "naive": field.Failed}
	if diff := cmp.Diff(want, states(&f)); diff != "" {
		t.Error(diff)
	}
	for _, d := range f.Devices {
		rate := map[string]float64{"plain": 700e3, "vxlan": 300e3, "reference-xdp": 500e3, "wireguard-go": 50e3}[d.Name]
		for _, size := range p.Sizes {
			got := d.Rate(size)
			if size == 1518 {
				rate = min(rate, 81.2e3) // the simulated links carry 1 Gbit/s
			}
			if rate == 0 && got != nil || rate != 0 && (got == nil || got.Value < 0.95*rate || got.Value > 1.05*rate) {
				t.Errorf("%s at %d bytes: rate %+v, want %.0f", d.Name, size, got, rate)
			}
		}
		if d.State != field.Works {
			continue
		}
		if point := d.Point(64); point.Light.P50 == nil || point.Half.Offered == 0 || d.Memory == nil || *d.Memory != 1<<20 {
			t.Errorf("%s: %+v, memory %v", d.Name, point, d.Memory)
		}
	}
	if _, err := f.Encode(); err != nil {
		t.Error(err)
	}
	if want := 1 + 3*len(p.Profile.Tests); len(l.tests) != want || len(f.Devices[1].Behaviour) != len(p.Profile.Tests) || len(f.Devices[0].Behaviour) != 1 {
		t.Errorf("%d tests %v, want %d: one of the control, and of each tunnel that works", len(l.tests), l.tests, want)
	}
	if up, down := len(l.SetUp), l.Down; up != down {
		t.Errorf("%d devices brought up, %d taken down", up, down)
	}
	if !strings.Contains(f.Devices[4].Why, "corrupted") || f.Devices[5].Why != "naive: it is not there" {
		t.Errorf("reasons %q, %q", f.Devices[4].Why, f.Devices[5].Why)
	}
}

// More devices than can be up at once are measured in several parties, the control in each of them, and other ones
// together in each round.
func TestParties(t *testing.T) {
	t.Parallel()
	many := []string{"vxlan", "reference", "reference-xdp", "reference-tun", "reference-pool", "reference-wg", "reference-wg-tun", "reference-wg-xdp", "wireguard-go", "naive"}
	l := &simulated{Lab: &labtest.Lab{Others: "capacity=100kpps"}}
	p := planOf(t, t.TempDir(), false, many...)
	var f field.Field
	if err := Run(context.Background(), l, p, &f); err != nil {
		t.Fatal(err)
	}
	if want := 2 * p.Profile.Rounds; len(l.groups) != want {
		t.Fatalf("%d parties, want %d", len(l.groups), want)
	}
	seen := map[string]int{}
	for _, g := range l.groups {
		if g[0] != "plain" || len(g) > 8 {
			t.Errorf("party %v, want plain and seven others at most", g)
		}
		for _, name := range g[1:] {
			seen[name]++
		}
	}
	for _, name := range many {
		if seen[name] != p.Profile.Rounds {
			t.Errorf("%s was in %d rounds", name, seen[name])
		}
	}
	if slices.Equal(l.groups[0], l.groups[2]) {
		t.Errorf("the first party of two rounds is the same: %v", l.groups[0])
	}
}

// A device that does not come up beside others is measured with the control alone; one that never does has the rate that it
// had alone.
func TestFaultyBesideOthers(t *testing.T) {
	t.Parallel()
	l := labOf()
	l.Fails = map[string]func(int) bool{
		"vxlan":        func(n int) bool { return n == 2 },
		"wireguard-go": func(n int) bool { return n > 1 },
	}
	p := planOf(t, t.TempDir(), false, "vxlan", "reference-xdp", "wireguard-go")
	var f field.Field
	if err := Run(context.Background(), l, p, &f); err != nil {
		t.Fatal(err)
	}
	for i, wants := range []bool{true, true, true, false} {
		point := f.Devices[i].Point(64)
		if (point.Normal != nil) != wants || point.Rate == nil {
			t.Errorf("%s: %+v", f.Devices[i].Name, point)
		}
	}
	if why := p.Store.of(p.Devices[3]).Rounds[0].Why; !strings.Contains(why, "it was late") {
		t.Errorf("reason %q", why)
	}
}

var errKilled = errors.New("killed")

// A run that ends anywhere goes on where it stopped: nothing that was measured is measured again, and the values are those of a
// run that was not cut short, since the simulated devices do not change.
func TestResume(t *testing.T) {
	t.Parallel()
	specs := []string{"vxlan", "reference-xdp", "wireguard-go", "naive"}
	dir := t.TempDir()
	begun, last := 0, 0
	for ended := false; !ended; {
		ctx, kill := context.WithCancelCause(context.Background())
		l, ups := labOf(), 0
		l.after = func() {
			if ups++; ups == 3 {
				kill(errKilled)
				return
			}
			begun++
		}
		p := planOf(t, dir, begun > 0, specs...)
		var f field.Field
		err := Run(ctx, l, p, &f)
		kill(nil)
		ended = err == nil
		if err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if begun == last && !ended {
			t.Fatal("the run does not get on")
		}
		last = begun
		if _, err := f.Encode(); err != nil {
			t.Error(err)
		}
		if ended && states(&f)["vxlan"] != field.Works {
			t.Errorf("%v", states(&f))
		}
	}
	if want := len(specs) + 1 + Profiles()[0].Rounds + 1 + 3*len(Profiles()[0].Tests); begun != want {
		t.Errorf("%d bring-ups, parties and tests in all, want %d: each once", begun, want)
	}
	l := labOf()
	l.after = func() { t.Error("something is measured again") }
	var f field.Field
	if err := Run(context.Background(), l, planOf(t, dir, true, specs...), &f); err != nil || len(f.Devices) != 5 {
		t.Errorf("a run with nothing left to measure: %v, %d devices", err, len(f.Devices))
	}
}

// A device that carries streams has a goodput and nothing of frames.
func TestStreams(t *testing.T) {
	t.Parallel()
	p := planOf(t, t.TempDir(), false, "vxlan")
	p.Devices[1].Carries, p.Settings.CongestionControl = field.Streams, "cubic"
	l := labOf()
	var f field.Field
	if err := Run(context.Background(), l, p, &f); err != nil {
		t.Fatal(err)
	}
	d := f.Devices[1]
	if d.State != field.Works || d.Goodput == nil || d.Goodput.Bits.Value != 1e9+4 || d.Goodput.Bits.N != 3 || d.Goodput.Congestion != "cubic" || len(d.Points) != 0 {
		t.Errorf("%+v, goodput %+v", d, d.Goodput)
	}
	if len(l.tests) != 1 || len(l.groups) != 0 || slices.Contains(l.SetUp, "vxlan") {
		t.Errorf("tests %v, groups %v, set up %v: want only plain", l.tests, l.groups, l.SetUp)
	}
	if _, err := f.Encode(); err != nil {
		t.Error(err)
	}
}

// A device that dies under load says how far it came.
func TestDies(t *testing.T) {
	t.Parallel()
	l := labOf()
	l.Dies = map[string]int{"vxlan": 3}
	p := planOf(t, t.TempDir(), false, "vxlan")
	var f field.Field
	if err := Run(context.Background(), l, p, &f); err != nil {
		t.Fatal(err)
	}
	d := f.Devices[1]
	if want := "it ended at 150000 frames/s, of 0 frames of 64 bytes 0 came through: out of luck"; d.State != field.Overloaded || d.Why != want || len(d.Points) != 1 {
		t.Errorf("%s: %q, %d points; want %q", d.State, d.Why, len(d.Points), want)
	}
}

// A fault of the machine ends the run, and is not taken for one of the device: the run goes on when it is mended.
func TestFaultOfTheMachine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := planOf(t, dir, false, "vxlan", "wireguard-go")
	l := labOf()
	l.faults = map[string]error{"vxlan": syscall.ENOSPC}
	var f field.Field
	if err := Run(context.Background(), l, p, &f); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("error %v", err)
	}
	if got := states(&f)["vxlan"]; got != field.NotMeasured {
		t.Errorf("vxlan: %s", got)
	}
	if err := Run(context.Background(), labOf(), planOf(t, dir, true, "vxlan", "wireguard-go"), &f); err != nil || states(&f)["vxlan"] != field.Works {
		t.Errorf("%v, %v", err, states(&f))
	}
}

// A device that works alone and ends each time beside others fails under load.
func TestDiesBesideOthers(t *testing.T) {
	t.Parallel()
	l := labOf()
	ups := 0
	l.after = func() {
		if ups++; ups == 4 { // after plain and two devices alone
			l.Dies = map[string]int{"vxlan": 1}
		}
	}
	p := planOf(t, t.TempDir(), false, "vxlan", "wireguard-go")
	var f field.Field
	if err := Run(context.Background(), l, p, &f); err != nil {
		t.Fatal(err)
	}
	if d := f.Devices[1]; d.State != field.Overloaded || !strings.HasPrefix(d.Why, "it ended beside plain in each round: at 64 bytes: ") || d.Rate(64) != nil {
		t.Errorf("%s: %q", d.State, d.Why)
	}
	if d := f.Devices[2]; d.State != field.Works || d.Compared(64) == nil {
		t.Errorf("its neighbour: %s: %q", d.State, d.Why)
	}
}

// A device that does not carry large frames works at the others, which are asked again after them.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	l := labOf()
	l.Devices["vxlan"] += ",largest=1400"
	p := planOf(t, t.TempDir(), false, "vxlan")
	var f field.Field
	if err := Run(context.Background(), l, p, &f); err != nil {
		t.Fatal(err)
	}
	d := f.Devices[1]
	if large := d.Point(1518); d.State != field.Works || d.Rate(1518) != nil || large == nil || !large.TooLarge(d.Points) {
		t.Errorf("%s: %q, %+v", d.State, d.Why, large)
	}
	if small := d.Point(64); d.Rate(64) == nil || small.Normal == nil || small.Light.Offered != 2*LightLoad.Frames(p.Profile.Light) {
		t.Errorf("%+v, light %+v", small, small.Light)
	}
	if _, err := f.Encode(); err != nil {
		t.Error(err)
	}
}

// Ten tunnels fit into the time that the quick profile promises.
func TestEstimate(t *testing.T) {
	t.Parallel()
	p := Plan{Devices: make([]Device, 11), Sizes: []rfc2544.FrameSize{64, 512, 1518}, Profile: Profiles()[0]}
	alone, rounds, tests, total := p.Estimate()
	if alone <= 0 || rounds <= 0 || tests <= 0 || total <= alone+rounds+tests || total.Minutes() > 12 {
		t.Errorf("alone %v, in rounds %v, tests %v, in all %v", alone, rounds, tests, total)
	}
	p.Devices = p.Devices[:6]
	if _, _, _, fewer := p.Estimate(); fewer >= total {
		t.Errorf("five tunnels take %v, ten %v", fewer, total)
	}
}
