package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// Tunnel is one end of a tunnel to one peer. Make it with New, call Run once,
// then Close.
type Tunnel struct {
	encap encap
	decap decap
	port  port
	conn  conn
	cpus  []int
}

// New opens the TUN device and the socket of cfg in the network namespace of
// the calling thread; afterwards the tunnel may run on any. Errors are one
// line and wrap errors.ErrUnsupported where this system cannot do it.
func New(cfg Config) (*Tunnel, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("reference tunnel: %w", err)
	}
	p, c, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("reference tunnel: %w", err)
	}
	return newTunnel(cfg, p, c), nil
}

// newTunnel joins a port and a conn.
func newTunnel(cfg Config, p port, c conn) *Tunnel {
	return &Tunnel{
		port: p,
		conn: c,
		cpus: cfg.CPUs,
		encap: encap{
			port: p, conn: c, tunnel: cfg.Tunnel, mtu: cfg.MTU,
			// An end that was restarted must not look like a replay to a peer that
			// was not, and no tunnel sends a packet per nanosecond.
			sequence: uint64(time.Now().UnixNano()),
			batch:    newBatch(cfg.MTU),
		},
		decap: decap{
			port: p, conn: c, tunnel: cfg.Tunnel, mtu: cfg.MTU,
			packets: make([][]byte, 0, deliverBatch),
		},
	}
}

// Run opens the tunnel of cfg as New does, carries packets until ctx is done,
// closes it and returns nil, or the error that ended it earlier.
func Run(ctx context.Context, cfg Config) error {
	t, err := New(cfg)
	if err != nil {
		return err
	}
	return errors.Join(t.Run(ctx), t.Close())
}

// directions is how many goroutines carry packets.
const directions = 2

// Run carries packets until ctx is done and then returns nil, or until a
// device or socket fails. It returns after both directions have stopped.
func (t *Tunnel) Run(ctx context.Context) error {
	defer lendProcs(directions)()
	defer context.AfterFunc(ctx, t.interrupt)()
	var wg sync.WaitGroup
	var encapErr, decapErr error
	wg.Go(func() { encapErr = t.routine(0, t.encap.step) })
	wg.Go(func() { decapErr = t.routine(1, t.decap.step) })
	wg.Wait()
	return errors.Join(encapErr, decapErr)
}

// routine runs one direction to completion on a thread of its own. When it
// ends, for whatever reason, the other direction ends too.
func (t *Tunnel) routine(direction int, step func() error) error {
	defer t.interrupt()
	runtime.LockOSThread() // never unlocked: thread and affinity end with the goroutine
	if n := len(t.cpus); n > 0 {
		if err := sys.SetAffinity(0, t.cpus[direction%n:][:1]); err != nil {
			return fmt.Errorf("reference tunnel: %w", err)
		}
	}
	for {
		if err := step(); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reference tunnel: %w", err)
		}
	}
}

// interrupt wakes both directions and makes them end. Its errors could only
// come from descriptors that are closed already.
func (t *Tunnel) interrupt() {
	_ = t.port.interrupt()
	_ = t.conn.interrupt()
}

// Stats may be called at any time, also while the tunnel runs.
func (t *Tunnel) Stats() Stats {
	return Stats{Encap: t.encap.counters.load(), Decap: t.decap.counters.load()}
}

// Close releases device and socket. Call it when Run has returned, or instead
// of Run.
func (t *Tunnel) Close() error { return errors.Join(t.port.close(), t.conn.close()) }

var procsLock sync.Mutex

// lendProcs raises GOMAXPROCS by n until the function it returns is called. A
// goroutine that sleeps in a system call keeps its processor for a while (up
// to 10 ms, until the runtime's monitor takes it away); were there fewer
// processors than sleeping directions, the other one could not wake up. It does
// not make the process use more cores: those are what its affinity says.
func lendProcs(n int) (giveBack func()) {
	change := func(by int) {
		procsLock.Lock()
		defer procsLock.Unlock()
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + by)
	}
	change(n)
	return func() { change(-n) }
}
