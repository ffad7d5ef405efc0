package xdp

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// sums adds up the slices of a ledger. asleep is the time of those in which the machine did not let the sender run.
func sums(l loadgen.Ledger) (sent, received, late uint64, sending, asleep time.Duration) {
	for _, s := range l.Slices {
		sent, received, late, sending = sent+s.Sent, received+s.Received, late+s.Late, sending+s.Sending
		if s.Turn == 0 {
			asleep += loadgen.SliceTime
		}
	}
	return sent, received, late, sending, asleep
}

// Every frame is in the slice that it was sent in.
func TestSlicesAddUp(t *testing.T) {
	x := openWire(t, 1<<20)
	for name, change := range map[string]func(*loadgen.Plan){
		"paced": func(*loadgen.Plan) {},
		"both":  func(p *loadgen.Plan) { *p = enginetest.Both(*p) },
		"flood": func(p *loadgen.Plan) { p.Load = rfc2544.Flood },
	} {
		t.Run(name, func(t *testing.T) {
			p := enginetest.Plan()
			change(&p)
			l, err := x.Run(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			var want rfc2544.Counts
			for _, s := range l.Streams {
				want.Add(s.Counts)
			}
			sent, received, late, sending, asleep := sums(l)
			if sent != want.Offered || received != want.Received || late != want.Late || sent == 0 {
				t.Errorf("slices have %d sent, %d received, %d late; the streams have %+v", sent, received, late, want)
			}
			if whole := l.Duration + l.Paused; sending+asleep < whole-loadgen.SliceTime || sending > whole+time.Microsecond {
				t.Errorf("sending for %v, and asleep for %v, in a trial of %v", sending, asleep, whole)
			}
		})
	}
}

// In a closed loop a frame is sent when another one came back.
func TestClosedLoop(t *testing.T) {
	x := openWire(t, 1<<20)
	for _, window := range []int{1, 8, 100} {
		p := enginetest.Plan()
		p.Load, p.Window, p.LossTimeout = rfc2544.Flood, window, 10*time.Second
		l, err := x.Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if s := l.Streams[0]; s.Offered <= uint64(window) || s.Received != s.Offered {
			t.Errorf("window %d: %+v", window, s.Counts)
		}
	}
}

// Frames that do not come back are given up after the loss timeout.
func TestClosedLoopGivesUp(t *testing.T) {
	const window = 8
	_, cfg := enginetest.NetworkConfig(t, netns.Topology{
		Name: "nowhere", Nodes: []string{netns.Tester, "nowhere"},
		Links: []netns.Link{
			{A: netns.End{Node: netns.Tester, Name: netns.Port0, Sink: true}, MTU: 1500, B: netns.End{Node: "nowhere", Name: netns.LAN, GRO: true}},
			{A: netns.End{Node: netns.Tester, Name: netns.Port1, Sink: true}, MTU: 1500, B: netns.End{Node: "nowhere", Name: netns.WAN, GRO: true}},
		},
	}, 1<<16, 1500)
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enginetest.Close(t, x.Close) })
	p := enginetest.Plan()
	p.Load, p.Window, p.LossTimeout, p.IdleTimeout = rfc2544.Flood, window, 30*time.Millisecond, time.Millisecond
	l, err := x.Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	most := uint64(window) * uint64(1+p.Duration/p.LossTimeout)
	if s := l.Streams[0]; s.Offered <= window || s.Offered > most || s.Received != 0 {
		t.Errorf("%d frames offered with a window of %d that never opens, want up to %d: %+v", s.Offered, window, most, s.Counts)
	}
}

// Two wires take turns: first one, the other twice, the first one twice...
func TestTurns(t *testing.T) {
	first := enginetest.WireConfig(t, 1<<20, 1500)
	second := enginetest.WireConfig(t, 1<<20, 1500)
	first.More = [][2]loadgen.Port{second.Ports}
	x, err := New(first)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enginetest.Close(t, x.Close) })
	turns := loadgen.Turns{Slices: 2, Quiet: 2 * time.Millisecond, Rounds: 3}
	for name, change := range map[string]func(*loadgen.Plan){
		"paced":         func(*loadgen.Plan) {},
		"both at once":  func(p *loadgen.Plan) { *p = enginetest.Both(*p) },
		"closed loop":   func(p *loadgen.Plan) { p.Load, p.Window = rfc2544.Flood, 16 },
		"reverse, IPv6": func(p *loadgen.Plan) { *p = enginetest.Reversed(enginetest.Plan6()) },
	} {
		t.Run(name, func(t *testing.T) {
			p := enginetest.Plan()
			change(&p)
			other := p
			other.Lane = 1
			ledgers, err := x.RunTurns(context.Background(), []loadgen.Plan{p, other}, turns)
			if err != nil {
				t.Fatal(err)
			}
			var order [13]int
			for lane, l := range ledgers {
				checkTurns(t, l)
				for _, s := range l.Slices {
					if s.Turn > 0 && s.Turn < len(order) {
						order[s.Turn] = lane
					}
				}
			}
			if diff := cmp.Diff([13]int{0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0}, order); diff != "" {
				t.Errorf("whose turn it was (-want +got):\n%s", diff)
			}
		})
	}
}

// checkTurns checks that a set-up lost nothing and sent in its own turns only.
func checkTurns(t *testing.T, l loadgen.Ledger) {
	t.Helper()
	sent, received, _, _, _ := sums(l)
	var want rfc2544.Counts
	for _, s := range l.Streams {
		want.Add(s.Counts)
	}
	if sent == 0 || sent != want.Offered || received != want.Received || want.Lost != 0 || want.Stale+want.Foreign+want.Corrupted != 0 {
		t.Errorf("slices have %d sent and %d received; the streams have %+v", sent, received, want)
	}
	for i, s := range l.Slices {
		if s.Turn == 0 && (s.Sent > 0 || s.Received > 0 || s.Sending > 0) {
			t.Errorf("slice %d is another set-up's: %+v", i, s)
		}
	}
}

// A program that is neither the lab's nor in a network of the lab is seen on its core.
func TestOtherPrograms(t *testing.T) {
	cfg := enginetest.WireConfig(t, 1<<20, 1500)
	cfg.DUT = []int{runtime.NumCPU() - 1}
	found, err := exec.LookPath("sh")
	shell := filepath.Join(t.TempDir(), busyShell)
	if err = errors.Join(err, os.Symlink(found, shell)); err != nil {
		t.Fatal(err)
	}
	var own syscall.Stat_t
	if err := syscall.Stat("/proc/self/ns/net", &own); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		start  func(*exec.Cmd, []int) error
		change func(cfg *loadgen.EngineConfig, busy int)
		seen   bool
	}{
		"another program":                                {sys.StartTethered, func(*loadgen.EngineConfig, int) {}, true},
		"a process of the lab":                           {sys.StartTethered, func(c *loadgen.EngineConfig, busy int) { c.OwnProcesses = append(c.OwnProcesses, busy) }, false},
		"a process of a set-up":                          {sys.StartTethered, func(c *loadgen.EngineConfig, _ int) { c.OwnNetworks = []uint32{uint32(own.Ino)} }, false},
		"a number of the lab's in another PID namespace": {sys.StartInit, func(c *loadgen.EngineConfig, _ int) { c.OwnProcesses = append(c.OwnProcesses, 1) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			busy := exec.Command(shell, "-c", "while :; do :; done")
			if err := c.start(busy, cfg.DUT); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = busy.Process.Kill(); _ = busy.Wait() }()
			// Others' programs may be on the core as well: this one has nearly all of it.
			if err := syscall.Setpriority(syscall.PRIO_PROCESS, busy.Process.Pid, -19); err != nil {
				t.Fatal(err)
			}
			cfg := cfg
			cfg.OwnProcesses = []int{os.Getpid()}
			c.change(&cfg, busy.Process.Pid)
			if seen := seesShell(t, cfg, map[bool]int{true: 40, false: 10}[c.seen]); seen != c.seen {
				t.Errorf("seen: %v, want %v", seen, c.seen)
			}
		})
	}
}

// busyShell is the name of a shell that no other program of this machine has.
const busyShell = "tb-busy-shell"

// seesShell reports whether the device's core was that shell's, as another program. A ledger names the
// program that ran last, and others may run too: hence some trials.
func seesShell(t *testing.T, cfg loadgen.EngineConfig, trials int) bool {
	t.Helper()
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer enginetest.Close(t, x.Close)
	for range trials {
		l, err := x.Run(context.Background(), enginetest.Plan())
		if err != nil {
			t.Fatal(err)
		}
		cpu, sum := cfg.DUT[0], time.Duration(0)
		for _, took := range l.Others[cpu] {
			sum += took
		}
		if sum > l.Duration/10 && l.Programs[cpu] == busyShell {
			return true
		}
	}
	return false
}

// In a container, the lab knows its processes by other numbers than the kernel does.
func TestOtherProgramsInContainer(t *testing.T) {
	testenv.NetAdmin(t)
	inside := exec.Command("/proc/self/exe", "-test.v", "-test.run=^TestOtherPrograms$")
	var out strings.Builder
	inside.Stdout, inside.Stderr = &out, &out
	if err := sys.StartInit(inside, nil); err != nil {
		t.Fatal(err)
	}
	if err := inside.Wait(); err != nil || !strings.Contains(out.String(), "--- PASS: TestOtherPrograms") {
		t.Errorf("in a PID namespace of its own: %v\n%s", err, out.String())
	}
}
