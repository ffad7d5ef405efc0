package afpacket

import (
	"context"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// openPacketWire returns an engine whose ports are connected directly.
func openPacketWire(t testing.TB, maxFrames uint64) *Engine {
	t.Helper()
	testenv.NetAdmin(t)
	a, err := New(enginetest.WireConfig(t, maxFrames, rfc2544.MaxFrame))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enginetest.Close(t, a.Close) })
	return a
}

func TestPacketWireLosesNothing(t *testing.T) {
	a := openPacketWire(t, 1<<20)
	for name, change := range map[string]func(*loadgen.Plan){
		"paced":        func(*loadgen.Plan) {},
		"flood":        func(p *loadgen.Plan) { p.Load = rfc2544.Flood },
		"too fast":     func(p *loadgen.Plan) { p.Load = 5e6 },
		"1518 bytes":   func(p *loadgen.Plan) { p.Size = 1518 },
		"largest":      func(p *loadgen.Plan) { p.Size, p.Load = rfc2544.MaxFrame, 20e3 },
		"many flows":   func(p *loadgen.Plan) { p.Flows = loadgen.MaxFlows },
		"reverse":      func(p *loadgen.Plan) { *p = enginetest.Reversed(*p) },
		"both at once": func(p *loadgen.Plan) { p.Load, p.Streams = 50e3, append(p.Streams, enginetest.Reversed(*p).Streams[0]) },
		"both, flooding": func(p *loadgen.Plan) {
			p.Load, p.Streams = rfc2544.Flood, append(p.Streams, enginetest.Reversed(*p).Streams[0])
		},
		"IPv6": func(p *loadgen.Plan) { *p = enginetest.Plan6() },
	} {
		p := enginetest.Plan()
		change(&p)
		l, err := a.Run(context.Background(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, s := range l.Streams {
			if s.Offered == 0 || s.Received+s.Late != s.Offered || s.Duplicated+s.Reordered+s.Corrupted+s.Stale+s.Foreign != 0 {
				t.Errorf("%s, stream %d: %+v", name, i, s)
			}
			if !p.Load.IsFlood() && s.Intended != p.Load.Frames(p.Duration) {
				t.Errorf("%s, stream %d: intended %d", name, i, s.Intended)
			}
			if s.Latency.N != s.Offered || s.Latency.Min <= 0 || s.Latency.Min > time.Millisecond {
				t.Errorf("%s, stream %d: latency %+v", name, i, s.Latency)
			}
		}
		if l.Dropped != 0 || l.Duration < p.Duration-loadgen.SendGrace || l.Stolen != nil || l.Probe != nil {
			t.Errorf("%s: %+v", name, l)
		}
		t.Logf("%s: %v, %d frames, latency %+v, lateness %+v, stalls %d", name, l.Duration, l.Streams[0].Offered, l.Streams[0].Latency, l.Lateness, len(l.Stalls))
	}
}

func TestPacketRefuses(t *testing.T) {
	testenv.NetAdmin(t)
	a, err := New(enginetest.WireConfig(t, 1<<16, 1518))
	if err != nil {
		t.Fatal(err)
	}
	defer enginetest.Close(t, a.Close)
	for name, change := range map[string]func(*loadgen.Plan){
		"too many frames": func(p *loadgen.Plan) { p.Duration = time.Minute },
		"too large":       func(p *loadgen.Plan) { p.Size = 1519 },
		"attack":          func(p *loadgen.Plan) { p.Attack = 1000 },
		"bad plan":        func(p *loadgen.Plan) { p.Flows = 0 },
	} {
		p := enginetest.Plan()
		change(&p)
		if _, err := a.Run(context.Background(), p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// An interrupted trial returns a ledger, and the next trial works.
func TestPacketInterrupt(t *testing.T) {
	a := openPacketWire(t, 1<<24)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	p := enginetest.Plan()
	p.Duration = time.Minute
	start := time.Now()
	l, err := a.Run(ctx, p)
	if err == nil || time.Since(start) > 10*time.Second || len(l.Streams) != 1 {
		t.Errorf("after %v: %+v, %v", time.Since(start), l, err)
	}
	if l, err = a.Run(context.Background(), enginetest.Plan()); err != nil || l.Streams[0].Received+l.Streams[0].Late != l.Streams[0].Offered {
		t.Errorf("the next trial: %+v, %v", l, err)
	}
}

// The ledger counts frames that the rings drop. A trial ignores frames that the previous trial has
// left in the rings.
func TestPacketRingOverflows(t *testing.T) {
	a := openPacketWire(t, 1<<20)
	trial, err := a.prepare(enginetest.Plan())
	if err != nil {
		t.Fatal(err)
	}
	s := trial.streams[0]
	const batches = 2 * ringSlots / 64
	for n := range uint64(batches * 64) {
		frame := s.stamper.template
		s.stamper.write(frame, n, trial.now())
		s.out = append(s.out[:0], frame)
		if err := s.send(); err != nil {
			t.Fatal(err)
		}
	}
	l, err := trial.ledger()
	if err != nil || l.Dropped == 0 || l.Dropped >= batches*64 {
		t.Errorf("dropped %d of %d, %v", l.Dropped, batches*64, err)
	}
	l, err = a.Run(context.Background(), enginetest.Plan())
	if r := l.Streams[0]; err != nil || l.Dropped != 0 || r.Stale != 0 || r.Received+r.Late != r.Offered {
		t.Errorf("the next trial: dropped %d, %+v, %v", l.Dropped, r, err)
	}
}

func TestPacketTrialAllocatesNothing(t *testing.T) {
	a := openPacketWire(t, 1<<20)
	p := enginetest.Plan()
	p.Load, p.Flows = rfc2544.Flood, 100
	trial, err := a.prepare(p)
	if err != nil {
		t.Fatal(err)
	}
	s := trial.streams[0]
	n := testing.AllocsPerRun(100, func() {
		now := trial.now()
		trial.schedule.look(now)
		trial.gather(now)
		if err := s.send(); err != nil {
			t.Fatal(err)
		}
		trial.schedule.worked(trial.now())
		trial.drain()
	})
	if n != 0 || s.receiver.Received == 0 {
		t.Errorf("%v allocations a round, %d frames received", n, s.receiver.Received)
	}
}
