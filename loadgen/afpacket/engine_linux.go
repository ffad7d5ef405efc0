package afpacket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Engine sends and receives through packet sockets (packet(7)).
type Engine struct {
	cfg     loadgen.EngineConfig
	sockets [2]*sys.PacketSocket
	seen    [2][]uint64 // bitmaps of the received frames, one for each stream
	used    [2]uint64   // number of frames whose bits the last trial may have set
	trial   uint16      // number of the current trial
}

// Sizes of the receive rings. A ring holds the frames of about 30 ms, for stalls of the tester's
// core. OpenPacket rounds a slot up to at most twice its size. So New divides ringBytes by twice
// the size of a slot.
const (
	ringSlots = 16384    // maximum number of slots
	ringBytes = 64 << 20 // maximum memory of a ring
	slotHead  = 80       // bytes of the kernel's header in a slot
)

// New opens a packet socket on each of the two ports.
func New(cfg loadgen.EngineConfig) (*Engine, error) {
	cfg.Largest = cmp.Or(cfg.Largest, rfc2544.MaxFrame)
	a := &Engine{cfg: cfg}
	words := (max(cfg.MaxFrames, 1<<16) + 63) / 64
	slot := cfg.Largest.OnVeth() + slotHead
	for i, port := range cfg.Ports {
		a.seen[i] = make([]uint64, words)
		err := port.Enter(func() (err error) {
			a.sockets[i], err = sys.OpenPacket(port.Index, min(ringSlots, ringBytes/(2*slot)), slot)
			return err
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("port %d: %w", i, err), a.Close())
		}
	}
	return a, nil
}

// Close closes the sockets.
func (a *Engine) Close() error {
	var errs []error
	for i, s := range a.sockets {
		if s != nil {
			errs = append(errs, s.Close())
		}
		a.sockets[i] = nil
	}
	return errors.Join(errs...)
}

// Run runs a trial. If ctx ends early, Run returns the ledger so far and the error of ctx.
func (a *Engine) Run(ctx context.Context, p loadgen.Plan) (loadgen.Ledger, error) {
	if p.Window > 0 {
		return loadgen.Ledger{}, fmt.Errorf("%w: the afpacket engine has no closed loop: use xdp", errors.ErrUnsupported)
	}
	if err := p.Validate(); err != nil {
		return loadgen.Ledger{}, err
	}
	if p.Attack != 0 {
		return loadgen.Ledger{}, errors.New("attack: this engine sends no mutants: use xdp")
	}
	if p.Size > a.cfg.Largest {
		return loadgen.Ledger{}, fmt.Errorf("frame size %d: this engine was opened for up to %d", p.Size, a.cfg.Largest)
	}
	most := uint64(len(a.seen[0])) * 64
	if n := p.Frames(); n > most {
		return loadgen.Ledger{}, fmt.Errorf("trial of %d frames: the ledger of this engine holds %d", n, most)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a garbage collection would be a stall
	t, err := a.prepare(p)
	if err != nil {
		return loadgen.Ledger{}, fmt.Errorf("prepare the trial: %w", err)
	}
	defer context.AfterFunc(ctx, func() { t.stop.Store(true) })()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread with its changed settings ends with the goroutine
		err := sys.BecomeGenerator(a.cfg.Tester)
		if err == nil {
			err = t.run()
		}
		done <- err
	}()
	err = <-done
	for _, s := range t.streams {
		a.used[s.number] = t.schedule.sent[s.number].n
	}
	if err != nil {
		return loadgen.Ledger{}, fmt.Errorf("run the generator: %w", err)
	}
	l, err := t.ledger()
	return l, errors.Join(ctx.Err(), err)
}

// prepare prepares a trial. It discards the frames in the rings, which belong to the previous trial.
// Frames of the previous trial that arrive later are counted as stale.
func (a *Engine) prepare(p loadgen.Plan) (*packetTrial, error) {
	a.trial++
	most := uint64(len(a.seen[0])) * 64
	t := &packetTrial{plan: p, trial: a.trial, schedule: newSchedule(p, most, a.cfg.Tester), batch: p.BatchSize()}
	for i := range p.Streams {
		n := p.First() + i
		stamper, err := newStamper(p, i, a.trial, t.batch)
		if err != nil {
			return nil, err
		}
		clear(a.seen[n][:(a.used[n]+63)/64])
		s := &packetStream{number: n, stamper: stamper, out: make([][]byte, 0, t.batch), from: a.sockets[n], to: a.sockets[1-n]}
		s.receiver = newReceiver(stamper, t.schedule.frames, p.LossTimeout, a.seen[n])
		s.receiver.delays = newDelays(p)
		if p.Pcap != "" {
			s.receiver.capture = newCapture(a.cfg.Largest.OnVeth())
		}
		if s.dropped, err = s.empty(); err != nil {
			return nil, err
		}
		t.streams = append(t.streams, s)
		t.byNumber[n] = s
	}
	return t, nil
}
