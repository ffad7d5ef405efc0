package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// OnLab opens targets in a lab, one at a time.
func OnLab(l *lab.Lab, s lab.Settings) Open {
	return func(ctx context.Context, d dut.Device, p Plan) (Target, error) {
		if d.Up == nil {
			return nil, fmt.Errorf("%s: %w", d.Spec, errNoWAN)
		}
		t := &labTarget{place: placeFor(s.Direction), plan: p}
		setup, err := l.SetupWith(ctx, d, s, p.Size, t.prepare)
		if err != nil {
			return nil, err
		}
		t.setup = setup
		if err := errors.Join(t.chooseSender(), t.listen()); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), setup.Close())
		}
		return t, nil
	}
}

// labTarget is a set-up of the lab with an attacker beside it.
type labTarget struct {
	place    place
	plan     Plan
	setup    *lab.Setup
	attacker Attacker
	sender   *sender
	answers  *answers      // counts the frames to the unknown source
	ear      *eavesdropper // nil: the device does not speak WireGuard
}

func (t *labTarget) Attacker() Attacker { return t.attacker }

func (t *labTarget) Close() error { return t.setup.Close() }

// prepare finds the addresses and ports to attack when the device is up, and prepares the engine to send mutants.
func (t *labTarget) prepare(setup *lab.Setup, cfg *loadgen.EngineConfig) error {
	path, notes, err := t.place.path(setup.Net(), t.plan.Senders)
	if err != nil {
		return err
	}
	if setup.Device().Protocol == mutate.WireGuard.String() {
		if err := t.eavesdrop(setup); err != nil {
			return err
		}
		path.Session = t.ear.session
	}
	t.attacker = Attacker{Path: path, End: t.place.end, Notes: notes}
	unknown := unknownFor(path.To.Is6())
	t.sender = newSender(t.plan, path, unknown)
	if t.answers, err = countAnswers(setup.Net().NS(t.place.from), unknown); err != nil {
		return err
	}
	setup.Defer(t.answers.close)
	if setup.Settings().Engine == lab.EngineAFPacket {
		return nil
	}
	length, _ := t.plan.schedule()
	cfg.MutantRoom = min(maxMutantRoom, maxMutants(t.plan.Rate, length)*mutantRoom)
	cfg.Underlay, err = underlayPort(setup.Net(), t.place.from)
	return err
}

// eavesdrop reads the handshakes from here on: the tester's first frames begin one.
func (t *labTarget) eavesdrop(setup *lab.Setup) error {
	ear, err := eavesdrop(setup.Net(), t.place, setup.Session().WireGuardPublic(t.place.end))
	if err != nil {
		return err
	}
	t.ear = ear
	setup.Defer(t.ear.close)
	return nil
}

// chooseSender chooses the engine if it can send mutants, else a packet socket.
func (t *labTarget) chooseSender() error {
	if loader, ok := lab.EngineAs[mutantLoader](t.setup); ok {
		t.sender.loader = loader
		t.attacker.Sender = "the tester's loop in the kernel"
		t.attacker.Notes = append(t.attacker.Notes, noteGRO)
		return nil
	}
	socket, err := openWANSocket(t.setup.Net().NS(t.place.from), t.setup.CPUs())
	if err != nil {
		return err
	}
	t.setup.Defer(socket.close)
	t.sender.socket = socket
	t.attacker.Sender = "a packet socket on the device's core"
	return nil
}

// listen takes what was heard of the first handshake.
func (t *labTarget) listen() error {
	if t.ear == nil {
		return nil
	}
	err := t.ear.learn()
	t.attacker.Notes = append(t.attacker.Notes, t.ear.notes()...)
	return err
}

const noteGRO = "GRO is on where mutants arrive, also in quiet trials: without it a veth does not accept frames from XDP"

func (t *labTarget) ForwardingRate(ctx context.Context, size rfc2544.FrameSize) (rfc2544.Rate, error) {
	most, _, err := t.setup.Explore(ctx, size)
	if err != nil {
		return 0, err
	}
	return t.setup.MaxForwardingRate(ctx, size, most)
}

// Trial runs a trial; it ends early when the device dies.
func (t *labTarget) Trial(ctx context.Context, p TrialPlan) (seen Seen, err error) {
	before, err := t.answers.read()
	if err != nil {
		return seen, err
	}
	alive, release := t.setup.UntilDeath(ctx)
	defer release()
	run, sent, err := t.launch(alive, p)
	died := t.setup.Alive()
	if err != nil && died == nil {
		return seen, err
	}
	seen = t.see(run)
	seen.Mutants = sent
	after, err := t.answers.read()
	if err != nil {
		return seen, err
	}
	seen.Cookies, seen.ICMP = after.cookies.minus(before.cookies), after.icmp.minus(before.icmp)
	seen.Answers = after.other.minus(before.other).plus(seen.Cookies)
	if died != nil {
		return seen, fmt.Errorf("%w: %w", lab.ErrDied, died)
	}
	return seen, nil
}

// answerCount is the traffic to the unknown source, by kind.
type answerCount struct{ other, icmp, cookies Traffic }

// launch runs the engine, with the attack beside it in an attacked trial.
func (t *labTarget) launch(ctx context.Context, p TrialPlan) (r lab.Run, s Sent, err error) {
	plan := t.setup.Plan(p.Trial)
	if p.Attacked {
		if t.ear != nil {
			if err := t.ear.learn(); err != nil { // the session may be a new one
				return r, s, err
			}
		}
		if err := t.sender.load(p.First, p.Duration); err != nil {
			return r, s, err
		}
		return t.sender.attack(ctx, t.setup, plan)
	}
	r, err = t.setup.Execute(ctx, plan)
	return r, s, err
}

// see evaluates a run as the lab does, with one difference: foreign frames are expected when a peer is
// spoofed. They are counted, but do not invalidate the trial.
func (t *labTarget) see(r lab.Run) (seen Seen) {
	for i := range r.Ledger.Streams {
		seen.Injected += r.Ledger.Streams[i].Foreign
		r.Ledger.Streams[i].Foreign = 0
	}
	seen.Flow, seen.Taken = t.setup.Observe(r), taken(r.Ledger)
	return seen
}

// taken returns the share of the trial in which other programs and the machine had a core, of the core
// that they had the longest, or nil if the engine does not know it.
func taken(l loadgen.Ledger) *float64 {
	if l.Others == nil || l.StallsBeyond > 0 {
		return nil
	}
	away := map[int]time.Duration{}
	for cpu, slices := range l.Others {
		for _, t := range slices {
			away[cpu] += t
		}
	}
	for _, s := range l.Stalls {
		away[s.CPU] += s.Length
	}
	longest := time.Duration(0)
	for _, t := range away {
		longest = max(longest, t)
	}
	share := min(1, longest.Seconds()/(l.Duration+l.Paused).Seconds())
	return &share
}

// Memory returns the live heap of a tunnel that reports it, else the resident memory.
func (t *labTarget) Memory() (m MemoryReading, err error) {
	switch {
	case !t.setup.Session().HasProcesses():
		return m, nil
	case t.setup.ReportsVitals():
		m, err = t.heap()
	default:
		m.What = ResidentMemory
		m.Bytes, err = t.setup.Session().ResidentMemory()
	}
	if died := t.setup.Alive(); err != nil && died != nil {
		return m, fmt.Errorf("%w: %w", lab.ErrDied, died)
	}
	return m, err
}

func (t *labTarget) heap() (MemoryReading, error) {
	m := MemoryReading{What: HeapMemory, Counters: map[string]map[string]uint64{}}
	sides, err := t.setup.Vitals()
	for side, v := range sides {
		m.Bytes += int64(v.Heap)
		m.Counters[side] = v.Counters
	}
	return m, err
}

// underlayPort returns the node's WAN interface. Its veth peer accepts frames from XDP only with NAPI,
// which switching GRO on enables.
func underlayPort(n *netns.Net, node string) (*loadgen.Port, error) {
	port := &loadgen.Port{Enter: n.NS(node).Do}
	if err := port.Enter(func() error {
		dev, err := net.InterfaceByName(netns.WAN)
		if err == nil {
			port.Index = dev.Index
		}
		return err
	}); err != nil {
		return nil, err
	}
	peer, ok := peerOf(n.Topology, node)
	if !ok {
		return nil, errNoWAN
	}
	err := n.NS(peer.Node).Do(func() error { return sys.SetEthFeatures(peer.Name, map[string]bool{"rx-gro": true}) })
	if err != nil {
		return nil, fmt.Errorf("%s:%s: switch GRO on: %w", peer.Node, peer.Name, err)
	}
	return port, nil
}

// peerOf returns the other end of the link behind the node's WAN interface.
func peerOf(t netns.Topology, node string) (netns.End, bool) {
	for _, l := range t.Links {
		switch {
		case l.A.Node == node && l.A.Name == netns.WAN:
			return l.B, true
		case l.B.Node == node && l.B.Name == netns.WAN:
			return l.A, true
		}
	}
	return netns.End{}, false
}
