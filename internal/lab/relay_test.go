package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// patterns is a relay whose effects can be counted on the fingers.
const patterns = "drop=1/1000,dup=1/700,reorder=1/500,corrupt=1/300"

// knownEffects are those of patterns on n frames. No two of them meet on frames next
// to each other, so that a reordered frame always finds a whole one to follow.
func knownEffects(n int) (lost, duplicated, reordered, corrupted uint64) {
	for i := 1; i <= n; i++ {
		switch {
		case i%1000 == 0:
			lost++
		case i%300 == 0:
			lost++
			corrupted++
		case i%700 == 0:
			duplicated++
		case i%500 == 0 && i < n:
			reordered++
		}
	}
	return lost, duplicated, reordered, corrupted
}

// A relay that does several things by pattern is seen through, to the frame, by
// either engine, at either end of the frame sizes.
func TestRelayPatterns(t *testing.T) {
	for _, engine := range []string{EngineXDP, EngineAFPacket} {
		t.Run(engine, func(t *testing.T) {
			l := openLabWith(t, Settings{Engine: engine, LossTimeout: short})
			b := openBench(t, l, "relay:"+patterns, 1518)
			for _, size := range []rfc2544.FrameSize{64, 1518} {
				checkPatterns(t, b, size)
			}
		})
	}
}

func checkPatterns(t *testing.T, b *Setup, size rfc2544.FrameSize) {
	t.Helper()
	const n = 20000
	seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: size, Load: 20e3, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	lost, duplicated, reordered, corrupted := knownEffects(n)
	if seen.Offered != n || seen.Lost-seen.Late != lost || seen.Duplicated != duplicated || seen.Reordered != reordered ||
		seen.Corrupted != corrupted || seen.Foreign != 0 || seen.Stale != 0 {
		t.Errorf("%d octets: want %d lost, %d duplicated, %d reordered, %d corrupted: %+v", size, lost, duplicated, reordered, corrupted, seen)
	}
}

// The same on the wan link, seen through two routers.
func TestWANPatterns(t *testing.T) {
	l := openLabWith(t, Settings{WAN: patterns, LossTimeout: short})
	checkPatterns(t, openBench(t, l, "plain", 64), 64)
}

// Tunnels work over an impaired link, and the delay is in what they show.
func TestWANDelay(t *testing.T) {
	const delay = 5 * time.Millisecond
	l := openLab(t)
	l.set.WAN = "delay=" + delay.String()
	for _, device := range []string{"vxlan", "reference", "wireguard-go"} {
		b := openBench(t, l, device, 1518)
		seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: 1518, Load: 2000, Duration: 200 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if seen.Lost != seen.Late || seen.Latency == nil || seen.Latency.Min < delay {
			t.Errorf("%s: %+v, latency %+v", device, seen, seen.Latency)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWANNeedsAWANLink(t *testing.T) {
	l := openLab(t)
	l.set.WAN = "delay=1ms"
	d, err := dut.Parse("relay")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := l.Setup(context.Background(), d, l.set, 64); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "relay has no wan link") {
		t.Errorf("%v, %v", b, err)
	}
}

// A constant delay shows as latency. The tolerance is for a busy machine.
func TestRelayDelay(t *testing.T) {
	const delay = 10 * time.Millisecond
	l := openLab(t)
	for _, spec := range []string{"relay:delay=10ms", "relay:delay=10ms,spin=off"} {
		b := openBench(t, l, spec, 64)
		seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 5e3, Duration: 300 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if d := seen.Latency; seen.Lost != seen.Late || d == nil || d.Min < delay || d.P50 > delay+delay/2 {
			t.Errorf("%s: %+v, latency %+v", spec, seen, d)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// At twice the rate half of the frames pass, and those that the queue held in the end.
func TestRelayRate(t *testing.T) {
	const rate, queue = 20e3, 1000
	l := openLabWith(t, Settings{LossTimeout: short})
	b := openBench(t, l, "relay:rate=20kpps,queue=1000", 64)
	seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 2 * rate, Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	got, want := float64(seen.Received+seen.Late), rate*(seen.Duration+seen.Paused).Seconds()+queue
	if seen.Offered != 2*rate || got < 0.97*want || got > 1.03*want {
		t.Errorf("%g frames passed, want %g: %+v", got, want, seen)
	}
}

// In an outage nothing passes, in either direction; it comes again in every trial.
func TestRelayOutage(t *testing.T) {
	l := openLabWith(t, Settings{LossTimeout: short})
	for _, direction := range []string{rfc2544.Forward, rfc2544.Reverse} {
		l.set.Direction = direction
		b := openBench(t, l, "relay:outage=100ms+200ms", 64)
		seen, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 10e3, Duration: 400 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		if lost := seen.Lost - seen.Late; lost < 1600 || lost > 2010 { // a pause of the schedule in the outage spares frames
			t.Errorf("%s: %d frames lost, want about 2000: %+v", direction, lost, seen)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A relay or a wan link that dies is a death like any other.
func TestRelayThatDies(t *testing.T) {
	l := openLab(t)
	for spec, wan := range map[string]string{"relay": "", "plain": "delay=1ms"} {
		l.set.WAN = wan
		b := openBench(t, l, spec, 64)
		killRelays(t)
		_, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 1000, Duration: 10 * time.Millisecond})
		if !errors.Is(err, ErrDied) || !strings.Contains(err.Error(), "relay") {
			t.Errorf("%s: %v, want %v", spec, err, ErrDied)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// killRelays kills the processes of this test that play the role.
func killRelays(t *testing.T) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, path := range paths {
		line, _ := os.ReadFile(path)
		if !strings.HasPrefix(string(line), self+"\x00__dut\x00relay\x00") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil {
			t.Fatal(err)
		}
		killed++
	}
	if killed != 1 {
		t.Fatalf("%d relays, want 1", killed)
	}
}
