package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// Tunnel is one end of one or more tunnels. Create it with New, call Run once, then Close.
type Tunnel struct {
	cfg    settings.Config
	encap  encap
	decap  decap
	format format
	sealed *sealed // the format, if it is this one
	peers  *peerTable
	port   port
	conn   conn
}

// New opens the LAN port and the socket of cfg in the network namespace of the calling thread. Run may
// then use any thread. Errors have one line and wrap errors.ErrUnsupported if this system lacks a
// needed feature.
func New(cfg settings.Config) (*Tunnel, error) {
	cfg, err := cfg.Complete()
	if err != nil {
		return nil, fmt.Errorf("reference tunnel: %w", err)
	}
	// If only this end restarts, the peer must not treat its new datagrams as replays. The time in ns is
	// always higher than the earlier sequence numbers, because no tunnel sends a packet every nanosecond.
	peers := newPeerTable(cfg, uint64(time.Now().UnixNano()))
	p, c, err := open(&cfg, peers)
	if err != nil {
		return nil, fmt.Errorf("reference tunnel: %w", err)
	}
	t, err := newTunnel(cfg, peers, p, c)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reference tunnel: %w", err), p.close(), c.close())
	}
	return t, nil
}

// newTunnel returns a tunnel between a port and a conn.
func newTunnel(cfg settings.Config, peers *peerTable, p port, c conn) (*Tunnel, error) {
	t := &Tunnel{cfg: cfg, peers: peers, port: p, conn: c}
	var f format = &plain{peers: peers, mtu: cfg.MTU}
	if cfg.Sealed() {
		s, err := newSealed(cfg, peers, c, &t.encap.counters)
		if err != nil {
			return nil, err
		}
		f, t.sealed = s, s
	}
	t.format = f
	t.encap = encap{port: p, conn: c, peers: peers, format: f, mtu: cfg.MTU, yields: cfg.Yield}
	t.decap = decap{port: p, conn: c, format: f, packets: make([][]byte, 0, deliverBatch)}
	return t, nil
}

// Run opens the tunnel of cfg as New does, carries packets until ctx is done, and closes the tunnel. It
// returns nil, or the error that ended it earlier.
func Run(ctx context.Context, cfg settings.Config) error {
	t, err := New(cfg)
	if err != nil {
		return err
	}
	return errors.Join(t.Run(ctx), t.Close())
}

// outbound returns the stages of encap.
func (t *Tunnel) outbound() direction[*batch] {
	packets := frameBatch
	if t.port.joined() {
		packets = superBatch
	}
	return direction[*batch]{
		make: func() *batch { return newBatch(t.format.layout(), packets) },
		recv: t.encap.recv, process: t.encap.process, deliver: t.encap.deliver,
	}
}

func (t *Tunnel) inbound() direction[*rxBatch] {
	return direction[*rxBatch]{make: t.decap.newBatch, recv: t.decap.recv, process: t.decap.process, deliver: t.decap.deliver}
}

// Run carries packets until ctx is done and returns nil, or until a device or socket fails. It returns
// after all its goroutines have ended. It changes a setting of the process only with Config.ExtraProcs.
func (t *Tunnel) Run(ctx context.Context) error {
	if t.cfg.ExtraProcs {
		defer addProcs(2)()
	}
	defer t.interruptAfter(ctx)()
	var wg sync.WaitGroup
	var encapErr, decapErr error
	wg.Go(func() { encapErr = drive(t, 0, t.outbound()) })
	wg.Go(func() { decapErr = drive(t, 1, t.inbound()) })
	if t.sealed != nil {
		stop, ended := make(chan struct{}), make(chan struct{})
		go func() { defer close(ended); t.sealed.control.Run(stop) }()
		defer func() { close(stop); <-ended }()
	}
	wg.Wait()
	return errors.Join(encapErr, decapErr)
}

// drive runs one direction with the chosen engine. When it ends, for any reason, it also ends the other
// direction.
func drive[B any](t *Tunnel, index int, d direction[B]) error {
	defer t.interrupt()
	var err error
	if t.cfg.Engine == settings.Pool {
		err = t.pooled(index, func(starting func(func())) error { return d.pool(t.cfg.Workers, !t.cfg.Pooling, starting) })
	} else if err = t.ownThread(index); err == nil {
		err = d.run(!t.cfg.Pooling)
	}
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reference tunnel: %w", err)
	}
	return nil
}

// ownThread locks the calling goroutine to a thread, and pins the thread to a core if Config.CPUs is set. The
// thread ends with the goroutine.
func (t *Tunnel) ownThread(index int) error {
	runtime.LockOSThread()
	if n := len(t.cfg.CPUs); n > 0 {
		return sys.SetAffinity(0, t.cfg.CPUs[index%n:][:1])
	}
	return nil
}

// pooled runs a pool. Its goroutines lock threads only if they are pinned to cores: passing a batch
// between locked threads costs a thread switch each time.
func (t *Tunnel) pooled(index int, pool func(starting func(func())) error) error {
	if len(t.cfg.CPUs) == 0 {
		return pool(func(routine func()) { routine() })
	}
	var once sync.Once
	var failed error
	start := func(routine func()) {
		if err := t.ownThread(index); err != nil {
			once.Do(func() { failed = err })
			t.interrupt()
		}
		routine()
	}
	if err := t.ownThread(index); err != nil {
		return err
	}
	if err := pool(start); failed == nil {
		return err
	}
	return failed
}

// interruptAfter calls interrupt when ctx is done. stop ends this, and waits for a call that has begun, because
// descriptors may be closed afterwards.
func (t *Tunnel) interruptAfter(ctx context.Context) (stop func()) {
	interrupted := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		t.interrupt()
	})
	return func() {
		if !cancel() {
			<-interrupted
		}
	}
}

// interrupt wakes both directions and ends them. It ignores errors, which only a closed descriptor
// returns.
func (t *Tunnel) interrupt() {
	_ = t.port.interrupt()
	_ = t.conn.interrupt()
}

// Stats returns the counters. It may be called at any time, also while the tunnel runs.
func (t *Tunnel) Stats() stats.Stats {
	s := t.Totals()
	for p := range t.Glances() {
		s.Peers = append(s.Peers, p.PeerStats)
	}
	return s
}

// Totals returns the counters but those of the peers. Like Glances it takes no lock that packets wait for.
func (t *Tunnel) Totals() stats.Stats {
	s := stats.Stats{Encap: t.encap.counters.Load(), Decap: t.decap.counters.Load(), UnknownSource: t.conn.unknownSource()}
	s.EncapSizes, s.DecapSizes = t.encap.counters.Sizes(), t.decap.counters.Sizes()
	if t.sealed != nil {
		s.Handshakes = new(t.sealed.device.Tally())
	}
	return s
}

// Glances visits the peers, in the order of joining.
func (t *Tunnel) Glances() iter.Seq[roster.Glance] {
	if t.sealed == nil {
		return roster.Plain(t.peers.all())
	}
	return t.sealed.roster.Glances()
}

// State returns what the peers of a sealed tunnel look like.
func (t *Tunnel) State() roster.State {
	if t.sealed == nil {
		return roster.State{}
	}
	return t.sealed.roster.State(t.sealed.control.Now())
}

// Change changes the peers of a sealed tunnel while it runs, or returns an error of one line and changes nothing.
func (t *Tunnel) Change(c roster.Change) error {
	if t.sealed == nil {
		return fmt.Errorf("reference tunnel: only a sealed one can be changed: %w", errors.ErrUnsupported)
	}
	return t.sealed.change(c)
}

// SetPeers makes other peers those of a plain tunnel while it runs, or returns an error of one line and changes
// nothing. A peer that keeps its id and endpoint loses no packet. One goroutine at a time may call it.
func (t *Tunnel) SetPeers(peers []settings.Peer) error {
	cfg := t.cfg
	cfg.Peers = peers
	if cfg.Sealed() {
		return errors.ErrUnsupported
	}
	if err := cfg.Validate(); err != nil {
		return err
	}
	ids, prefixes := t.peers.with(peers, uint64(time.Now().UnixNano()))
	if err := t.conn.know(ids.endpoints()); err != nil {
		return err
	}
	t.peers.ids.Store(ids)
	t.peers.prefixes.Store(prefixes)
	return nil
}

// Close releases the device and the socket. Call it after Run has returned, or instead of Run.
func (t *Tunnel) Close() error { return errors.Join(t.port.close(), t.conn.close()) }

var procsLock sync.Mutex

// addProcs raises GOMAXPROCS by n until undo is called.
func addProcs(n int) (undo func()) {
	change := func(by int) {
		procsLock.Lock()
		defer procsLock.Unlock()
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + by)
	}
	change(n)
	return func() { change(-n) }
}
