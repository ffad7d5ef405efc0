package xdp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Engine is the engine that sends and receives inside the kernel.
type Engine struct {
	cfg     loadgen.EngineConfig
	objects bpf.TesterObjects
	closers closers.Stack
	seen    *ebpf.Memory
	words   uint64 // of the bitmap, per stream
	flows   int    // room for flows, per stream
	trial   uint16

	usedSlices int // slices that trials have used so far
}

// lanes returns the number of set-ups.
func (x *Engine) lanes() int { return 1 + len(x.cfg.More) }

// New loads the tester into the kernel and attaches it to both ports.
func New(cfg loadgen.EngineConfig) (*Engine, error) {
	x := &Engine{cfg: cfg, words: (max(cfg.MaxFrames, 1<<16) + 63) / 64, flows: max(cfg.Flows, loadgen.MaxNetworks)}
	if x.lanes() > loadgen.MaxLanes {
		return nil, fmt.Errorf("%d set-ups: at most %d can take turns", x.lanes(), loadgen.MaxLanes)
	}
	if err := x.open(); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

func (x *Engine) open() error {
	spec, err := bpf.LoadTester()
	if err != nil {
		return fmt.Errorf("read the in-kernel tester: %w", err)
	}
	streams := 2 * x.lanes()
	spec.Maps[bpf.TesterMapSeen].MaxEntries = uint32(streams) * uint32(x.words)
	spec.Maps[bpf.TesterMapFlows].MaxEntries = uint32(streams * x.flows)
	spec.Maps[bpf.TesterMapDelays].MaxEntries = uint32(streams)
	spec.Maps[bpf.TesterMapSlicesReceived].MaxEntries = uint32(streams * maxSlices)
	spec.Maps[bpf.TesterMapSlicesForeign].MaxEntries = uint32(len(x.cores()) * maxSlices)
	spec.Maps[bpf.TesterMapMutants].MaxEntries = packs(x.cfg)
	if x.cfg.Chained {
		if err := spec.Variables[bpf.TesterVarChained].Set(uint32(1)); err != nil {
			return err
		}
	}
	if err := spec.LoadAndAssign(&x.objects, nil); err != nil {
		return fmt.Errorf("%w: load the in-kernel tester (needs Linux 5.18 with BPF, and root): %w", errors.ErrUnsupported, err)
	}
	x.closers.Push(x.objects.Close)
	if x.seen, err = x.objects.Seen.Memory(); err != nil {
		return fmt.Errorf("map the ledger: %w", err)
	}
	receivers := [2]*ebpf.Program{x.objects.Receive1, x.objects.Receive0} // port 0 receives stream 1
	for lane, ports := range append([][2]loadgen.Port{x.cfg.Ports}, x.cfg.More...) {
		for i, port := range ports {
			if err := x.attach(2*lane+i, port, receivers[i]); err != nil {
				return err
			}
		}
	}
	if err := x.openUnderlay(); err != nil {
		return err
	}
	if err := x.watch(); err != nil {
		return err
	}
	return x.watchPrograms()
}

// attach makes port i a target of redirects and a receiver. Both calls look
// the interface up in the caller's namespace.
func (x *Engine) attach(i int, port loadgen.Port, receiver *ebpf.Program) error {
	return port.Enter(func() error {
		if err := x.objects.Ports.Put(uint32(i), uint32(port.Index)); err != nil {
			return fmt.Errorf("port %d: enter into the device map: %w", i, err)
		}
		l, err := link.AttachXDP(link.XDPOptions{Program: receiver, Interface: port.Index, Flags: link.XDPDriverMode})
		if err != nil {
			return fmt.Errorf("port %d: attach the receiver: %w", i, err)
		}
		x.closers.Push(l.Close)
		return nil
	})
}

// tickPeriod is how often a canary looks at its core's clock.
const tickPeriod = time.Millisecond

// watch starts a canary on every core of the tester and the device.
func (x *Engine) watch() error {
	for _, cpu := range append([]int{x.cfg.Tester}, x.cfg.DUT...) {
		f, err := sys.ClockTick(cpu, uint64(tickPeriod), x.objects.Tick.FD())
		if err != nil {
			return err
		}
		x.closers.Push(f.Close)
	}
	return nil
}

// Close detaches and unloads everything.
func (x *Engine) Close() error { return x.closers.Close() }

// Run runs one trial. If ctx ends early, Run returns the ledger so far and the error of ctx.
func (x *Engine) Run(ctx context.Context, p loadgen.Plan) (loadgen.Ledger, error) {
	if err := p.Validate(); err != nil {
		return loadgen.Ledger{}, err
	}
	ledgers, err := x.run(ctx, []loadgen.Plan{p}, loadgen.Turns{})
	if len(ledgers) == 0 {
		return loadgen.Ledger{}, err
	}
	return ledgers[0], err
}

// RunTurns runs one trial in which the set-ups of the plans take turns, and returns a ledger for
// each of them. Duration, Paused, Stalls and what was seen of the cores are the same in all.
func (x *Engine) RunTurns(ctx context.Context, plans []loadgen.Plan, t loadgen.Turns) ([]loadgen.Ledger, error) {
	if err := t.Validate(plans); err != nil {
		return nil, err
	}
	return x.run(ctx, plans, t)
}

// check returns an error for a plan that this engine does not support.
func (x *Engine) check(p loadgen.Plan) error {
	switch n := p.Frames(); {
	case p.Size > loadgen.MaxXDPFrame:
		return fmt.Errorf("frame size %d: the xdp engine sends up to %d, afpacket up to %d", p.Size, loadgen.MaxXDPFrame, rfc2544.MaxFrame)
	case p.Pcap != "":
		return errors.New("captures: the xdp engine has no frames in user space: use afpacket")
	case n > x.words*64:
		return fmt.Errorf("trial of %d frames: the ledger of this engine holds %d", n, x.words*64)
	case p.Flows > x.flows:
		return fmt.Errorf("%d flows: this engine has room for %d", p.Flows, x.flows)
	case p.Lane >= x.lanes():
		return fmt.Errorf("set-up %d: this engine has %d", p.Lane, x.lanes())
	}
	return nil
}

// run runs one trial; without slices in t, of a single plan.
func (x *Engine) run(ctx context.Context, plans []loadgen.Plan, t loadgen.Turns) ([]loadgen.Ledger, error) {
	for _, p := range plans {
		if err := x.check(p); err != nil {
			return nil, err
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would be a stall of our own making
	if err := x.prepare(plans, t); err != nil {
		return nil, fmt.Errorf("prepare the trial: %w", err)
	}
	watched, err := x.watched()
	if err != nil {
		return nil, err
	}
	if err := x.send(ctx, plans[0], t.Length()*time.Duration(t.Count(len(plans)))); err != nil {
		return nil, err
	}
	interrupted, late := ctx.Err(), plans[0]
	if interrupted != nil {
		late.Drain = min(late.Drain, loadgen.CutShortDrain)
		ctx = context.WithoutCancel(ctx)
	}
	interrupted = cmp.Or(interrupted, x.drain(ctx, late))
	ledgers, err := x.ledgers(plans, t)
	if err != nil {
		return nil, err
	}
	for i := range ledgers {
		interrupted = errors.Join(interrupted, x.addCores(&ledgers[i], watched), x.addOthers(&ledgers[i]))
	}
	return ledgers, interrupted
}

// send makes the kernel run the whole schedule on a separate thread, which exits afterwards. length
// is how long the turns of a trial take, if it has any.
func (x *Engine) send(ctx context.Context, p loadgen.Plan, length time.Duration) error {
	frame, err := p.Streams[0].Template(p.Size.OnVeth(), 0, int(x.trial))
	if err != nil {
		return err
	}
	thread := make(chan int, 1)
	done := make(chan error, 1)
	var over atomic.Bool
	go func() {
		runtime.LockOSThread() // never unlocked: the thread dies with its signal mask
		if err := sys.BecomeGenerator(x.cfg.Tester); err != nil {
			done <- err
			return
		}
		thread <- sys.Thread()
		var err error // nil after some 2^32 polls, minutes: go back in
		for (err == nil || errors.Is(err, syscall.EINTR)) && !over.Load() {
			err = sys.RunLive(x.objects.Send.FD(), frame, p.BatchSize())
		}
		if errors.Is(err, syscall.EINTR) {
			err = nil
		}
		done <- err
	}()
	select {
	case err := <-done:
		return fmt.Errorf("run the generator: %w", err)
	case id := <-thread:
		failed := x.awaitSchedule(ctx, max(p.Duration, length), done)
		over.Store(true)
		return errors.Join(failed, stopGenerator(id, done, failed != nil))
	}
}

// awaitSchedule sleeps while the schedule runs, and returns an error only when
// the generator ended by itself.
func (x *Engine) awaitSchedule(ctx context.Context, length time.Duration, done chan error) error {
	const (
		setUp   = 20*time.Millisecond + loadgen.SliceTime
		recheck = 2 * time.Millisecond
	)
	next := time.NewTimer(length + setUp)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-done:
			if errors.Is(err, syscall.EINVAL) {
				return fmt.Errorf("%w: this kernel has no BPF test runs with live frames: needs Linux 5.18", errors.ErrUnsupported)
			}
			return fmt.Errorf("generator ended before the trial did: %w", err)
		case <-next.C:
		}
		var s bpf.TesterSendState
		if err := x.objects.Sender.Get(&s); err != nil || s.Done != 0 {
			return nil
		}
		next.Reset(recheck)
	}
}

// stopGenerator interrupts the generator's thread until it has left the kernel.
func stopGenerator(thread int, done chan error, gone bool) error {
	if gone {
		return nil
	}
	for {
		if err := sys.Interrupt(thread); err != nil && !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the generator: %w", err)
		}
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
