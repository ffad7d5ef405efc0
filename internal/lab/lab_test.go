package lab

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

// short is the loss timeout of tests whose trials lose frames: each waits so long for the last of them.
// The others leave frames a second, since a machine that runs tests is busy.
const short = 300 * time.Millisecond

// openedLab is a lab with the settings of a test's set-ups.
type openedLab struct {
	*Lab
	set Settings
}

func openLab(t testing.TB) *openedLab {
	t.Helper()
	return openLabWith(t, Settings{})
}

func openLabWith(t testing.TB, set Settings) *openedLab {
	t.Helper()
	testenv.NetAdmin(t)
	set.MaxFrames, set.LossTimeout = 1<<22, cmp.Or(set.LossTimeout, time.Second)
	l, err := Open(context.Background(), Config{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return &openedLab{l, set}
}

func openBench(t testing.TB, l *openedLab, spec string, size rfc2544.FrameSize) *Setup {
	t.Helper()
	d, err := dut.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Setup(context.Background(), d, l.set, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// kernelMayLack are the devices that are parts of the kernel, in which a distribution may leave them
// out. In an emulated machine with a complete kernel, all of them are tested.
var kernelMayLack = []string{"geneve", "gre", "ipip", "fou", "wireguard-kernel", "netem"}

// Every device carries frames of every size whole, and its trials balance.
func TestEveryDeviceCarriesFrames(t *testing.T) {
	l := openLab(t)
	for _, device := range dut.All() {
		if err := device.Probe(t.Context()); errors.Is(err, errors.ErrUnsupported) && slices.Contains(kernelMayLack, device.Name) {
			t.Logf("%s: %v", device.Name, err)
			continue
		}
		t.Run(device.Name, func(t *testing.T) {
			b := openBench(t, l, device.Name, 1518)
			for _, size := range []rfc2544.FrameSize{64, 1518} {
				seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: size, Load: 2000, Duration: 200 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				if err := result.CheckTrial(seen); err != nil {
					t.Error(err)
				}
				if seen.Intended != 400 || seen.Offered != 400 || seen.Corrupted+seen.Duplicated+seen.Stale != 0 || seen.Received+seen.Late == 0 {
					t.Errorf("%d octets: %+v", size, seen)
				}
			}
		})
	}
}

// Every device carries IPv6, many flows over all networks, and both directions
// at once; each direction's counts balance and add up.
func TestEveryDeviceCarriesBothDirections(t *testing.T) {
	for name, cfg := range map[string]Settings{
		"IPv4":          {Direction: rfc2544.Both, Flows: 1000, Networks: 256},
		"IPv6":          {Direction: rfc2544.Both, Flows: 1000, Networks: 256, IPv6: true},
		"IPv4, reverse": {Direction: rfc2544.Reverse},
	} {
		l := openLabWith(t, cfg)
		for _, spec := range []string{"wire", "plain", "vxlan", "wireguard-go", "reference", "exec:../../docs/examples/vxlan.sh"} {
			b := openBench(t, l, spec, 1518)
			for _, size := range []rfc2544.FrameSize{rfc2544.MinFrame6, 1518} {
				seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: size, Load: 5000, Duration: 200 * time.Millisecond})
				if err != nil {
					t.Fatalf("%s, %s: %v", name, spec, err)
				}
				if err := result.CheckTrial(seen); err != nil {
					t.Errorf("%s, %s: %v", name, spec, err)
				}
				streams := uint64(len(l.set.Resolved().Directions()))
				if seen.Intended != 1000*streams || seen.Received+seen.Late != seen.Intended || seen.Corrupted+seen.Duplicated+seen.Stale != 0 ||
					seen.Latency == nil || seen.Latency.N != seen.Intended || len(seen.Directions) != int(streams/2)*2 {
					t.Errorf("%s, %s, %d octets: %+v", name, spec, size, seen)
				}
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The charge and the ceiling of both directions at once are per frame and per direction.
func TestCalibrationOfBothDirections(t *testing.T) {
	l := openLabWith(t, Settings{Direction: rfc2544.Both, LossTimeout: short})
	c, err := l.Calibrate(context.Background(), l.set, 64)
	if err != nil {
		t.Fatal(err)
	}
	b := openBench(t, l, "plain", 64)
	ceiling, hint, err := b.Explore(context.Background(), 64)
	if err != nil {
		t.Fatal(err)
	}
	if hint <= 0 || ceiling <= 0 || ceiling > c.MOL || hint > c.MOL {
		t.Errorf("the wire carries %v per direction, plain routing %v with a ceiling of %v", c.MOL, hint, ceiling)
	}
	if NewResult(b.settings, b.device, rfc2544.NameRate, 64).Direction != rfc2544.Both {
		t.Error("results do not say that they are of both directions")
	}
}

// stalled is an engine that reports a stall, and half of the frames sent, in its first paced trials.
type stalled struct {
	engine
	trials int
	loads  []rfc2544.Rate // of the paced trials
}

func (e *stalled) Run(ctx context.Context, p loadgen.Plan) (loadgen.Ledger, error) {
	l, err := e.engine.Run(ctx, p)
	if p.Load.IsFlood() {
		return l, err
	}
	if e.loads = append(e.loads, p.Load); len(e.loads) <= e.trials {
		l.Stalls = append(l.Stalls, rfc2544.Stall{Length: time.Millisecond})
		for i := range l.Streams {
			l.Streams[i].Offered /= 2
		}
	}
	return l, err
}

// A stall of the tester's core lowers no ceiling: the load is tried again.
func TestExploreLooksPastStalls(t *testing.T) {
	b := openBench(t, openLabWith(t, Settings{LossTimeout: short}), "plain", 64)
	e := &stalled{engine: b.engine, trials: 2}
	b.engine = e
	if _, _, err := b.Explore(t.Context(), 64); err != nil {
		t.Fatal(err)
	}
	if len(e.loads) < 3 || e.loads[1] != e.loads[0] || e.loads[2] != e.loads[0] {
		t.Errorf("loads %v: want the first one three times", e.loads)
	}
}

// An overload of plain forwarding is lost where a counter sees it.
func TestDropsAreExplained(t *testing.T) {
	l := openLabWith(t, Settings{LossTimeout: short})
	if l.Shared() {
		t.Log("one core: the device slows the tester down instead of losing frames; the ledger is checked all the same")
	}
	b := openBench(t, l, "reference", 64)
	seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 600e3, Duration: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := result.CheckTrial(seen); err != nil {
		t.Error(err)
	}
	explained := seen.Drops.Sum()
	missing := int64(seen.Lost - seen.Late)
	if missing > 1000 && explained < missing*9/10 {
		t.Errorf("%d frames missing, counters explain %d: %v", missing, explained, seen.Drops)
	}
}

func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dut.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	return "exec:" + path
}

// The example of docs/exec.md works, word for word.
func TestExampleScript(t *testing.T) {
	l := openLab(t)
	b := openBench(t, l, "exec:../../docs/examples/vxlan.sh", 64)
	seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 1000, Duration: 100 * time.Millisecond})
	if err != nil || seen.Received+seen.Late != 100 {
		t.Errorf("%+v, %v", seen, err)
	}
}

func TestScriptsThatFail(t *testing.T) {
	l := openLab(t)
	for name, c := range map[string]struct {
		body        string
		want        string
		unsupported bool
	}{
		"exits at once":             {"echo no such cipher >&2; exit 3", "no such cipher", false},
		"cannot run here":           {"echo needs a moon >&2; exit 127", "needs a moon", true},
		"never comes up":            {"# tunnelbench: up-timeout=1s\necho waiting for ever >&2; exec sleep 1000", "did not bring tb-", false},
		"comes up, carries nothing": {"# tunnelbench: up-timeout=3s\n" + `ip tuntap add "$TB_DEV" mode tun && ip link set "$TB_DEV" up; exec sleep 1000`, "no packet came through", false},
	} {
		d, err := dut.Parse(script(t, c.body))
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.Setup(context.Background(), d, l.set, 64)
		if err == nil {
			err = errors.Join(errors.New("it came up"), b.Close())
		}
		if !strings.Contains(err.Error(), c.want) || errors.Is(err, errors.ErrUnsupported) != c.unsupported {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestOneLabAtATime(t *testing.T) {
	openLab(t)
	if l, err := Open(context.Background(), Config{}); !errors.Is(err, netns.ErrLocked) {
		t.Errorf("a second lab: %v, %v, want %v", l, err, netns.ErrLocked)
	}
}
