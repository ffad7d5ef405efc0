package reference

import (
	"crypto/rand"
	"net/netip"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
	"github.com/tunnelbench/tunnelbench/reference/wireguard/control"
)

// sealed is WireGuard's format. Its control makes and keeps the sessions.
type sealed struct {
	device   *wireguard.Device
	control  *control.Control
	roster   *roster.Roster[*peer]
	peers    *peerTable
	conn     conn
	counters *stats.Counters // of encap, for packets that have waited for a session
	mtu      int

	sending sync.Mutex // one call of send at a time; guards the following
	unsent  uint64     // of the packets that have waited, counted so far
}

// sealedMessage is a data message, and its packet once it is open.
type sealedMessage struct {
	data    []byte
	source  netip.AddrPort
	session int // place of its index in the batch
	keys    *wireguard.Keypair
	counter uint64
	drop    stats.Drop // it is genuine, but its packet must not be delivered
}

// newSealed returns the format of a valid Config with keys.
func newSealed(cfg settings.Config, peers *peerTable, c conn, counters *stats.Counters) (*sealed, error) {
	device, err := wireguard.New(wireguard.Config{Private: cfg.Private, MTU: cfg.MTU, Random: rand.Reader, Secrets: cfg.Secrets})
	if err != nil {
		return nil, err
	}
	f := &sealed{device: device, peers: peers, conn: c, counters: counters, mtu: cfg.MTU}
	f.control = control.New(device, f.send)
	f.roster = roster.New(cfg, device, &peers.prefixes, func(p settings.Peer) *peer { return &peer{id: p.ID} })
	for i, c := range cfg.Peers {
		if err := f.roster.Add(f.control.Now(), c, peers.all()[i]); err != nil {
			return nil, &settings.FieldError{Field: settings.PeerField(i, "public_key"), Err: err}
		}
	}
	return f, nil
}

// change changes the peers.
func (f *sealed) change(c roster.Change) error {
	defer f.control.Raise() // a peer may have to be called
	return f.roster.Change(f.control.Now(), c)
}

func (f *sealed) layout() layout {
	return layout{head: wireguard.HeaderLen, tail: wireguard.TagLen, pad: wireguard.Pad, mtu: f.mtu}
}

// number reserves the counters of each run of packets to a peer. Packets to a peer without a session wait.
func (f *sealed) number(b *batch) {
	now, kept := f.control.Now(), b.datagrams[:0]
	b.sessions = b.sessions[:0]
	for i := 0; i < len(b.datagrams); {
		p, n := b.datagrams[i].peer, 1
		for i+n < len(b.datagrams) && b.datagrams[i+n].peer == p {
			n++
		}
		run := b.datagrams[i : i+n]
		i += n
		keys, first, to := f.device.Reserve(now, p.sealed, n)
		if keys == nil && f.release(now, p) {
			keys, first, to = f.device.Reserve(now, p.sealed, n)
		}
		if keys == nil {
			f.stage(now, b, p, run)
			continue
		}
		f.device.Await(p.sealed)
		if p.at == nil || p.at.addr != to {
			p.at = newEndpoint(to)
		}
		for j := range run {
			run[j].sequence, run[j].to = first+uint64(j), p.at
			b.sessions = append(b.sessions, keys)
		}
		kept = append(kept, run...)
	}
	b.datagrams = kept
}

// release sends the packets that have waited for a session. It reports false if there are none, or no session.
func (f *sealed) release(now time.Time, p *peer) bool {
	f.device.Await(p.sealed)
	sends := f.device.Release(now, p.sealed)
	if len(sends) > 0 {
		f.send(sends)
	}
	return len(sends) > 0
}

// stage keeps packets until there is a session.
func (f *sealed) stage(now time.Time, b *batch, p *peer, run []span) {
	tick := false
	for i := range run {
		tick = f.device.Stage(now, p.sealed, b.packetOf(&run[i])) || tick
	}
	if tick {
		f.control.Raise()
	}
}

func (f *sealed) seal(b *batch) {
	for i := range b.datagrams {
		d := &b.datagrams[i]
		clear(b.slab[d.start+wireguard.HeaderLen+int(d.packet) : d.end-wireguard.TagLen]) // the padding
		b.sessions[i].Seal(b.slab[d.start:d.end:d.end], d.sequence)
	}
}

func (f *sealed) open(b *rxBatch) {
	b.indices, b.sealed = b.indices[:0], b.sealed[:0]
	for i := range b.messages {
		f.split(b, &b.messages[i])
	}
	b.sessions = f.device.Sessions(f.control.Now(), b.indices, b.sessions[:0])
	kept := b.sealed[:0]
	for i := range b.sealed {
		m := &b.sealed[i]
		m.keys = b.sessions[m.session]
		if drop := f.decrypt(m); drop != stats.DropNone {
			b.tally.Drops[drop]++
			continue
		}
		kept = append(kept, *m)
	}
	b.sealed = kept
}

// split visits the datagrams of one message. An empty message is one empty datagram.
func (f *sealed) split(b *rxBatch, m *message) {
	size, rest := m.size(), m.data
	for ; len(rest) > size; rest = rest[size:] {
		f.sort(b, rest[:size:size], m)
	}
	f.sort(b, rest, m)
}

// sort counts one datagram, and keeps data for decrypt and handshake messages for control.
func (f *sealed) sort(b *rxBatch, datagram []byte, m *message) {
	b.tally.Received++
	t, ok := wireguard.TypeOf(datagram)
	switch {
	case m.source.Port() == 0: // no answer can go there
		b.tally.Drops[stats.DropPeer]++
	case m.truncated || len(datagram) > wireguard.MinDataLen+f.mtu+wireguard.Pad:
		b.tally.Drops[stats.DropOversize]++
	case !ok:
		b.tally.Drops[stats.DropShort]++
	case t == wireguard.Data:
		index := wireguard.Index(datagram)
		if n := len(b.indices); n == 0 || b.indices[n-1] != index {
			b.indices = append(b.indices, index)
		}
		b.sealed = append(b.sealed, sealedMessage{data: datagram, source: m.source, session: len(b.indices) - 1, counter: wireguard.Counter(datagram)})
	default:
		if f.control.Hand(datagram, m.source) {
			b.tally.Control++
		} else {
			b.tally.Drops[stats.DropHandshake]++
		}
	}
}

// decrypt opens a data message, in place. A packet that is the peer's but must not be delivered keeps the reason,
// because it counts as a sign of life.
func (f *sealed) decrypt(m *sealedMessage) stats.Drop {
	if m.keys == nil {
		return stats.DropSession
	}
	packet, err := m.keys.Open(m.data)
	switch {
	case err == wireguard.ErrExpired:
		return stats.DropSession
	case err != nil:
		return stats.DropSeal
	}
	m.data = packet
	if len(packet) == 0 {
		return stats.DropNone // a keepalive
	}
	n := inner.Length(packet)
	switch {
	case n < inner.MinIPv4 || n > len(packet):
		m.drop = stats.DropInner
	case f.peers.bySource(packet) != ownerOf(m.keys):
		m.drop = stats.DropSource
	case n > f.mtu:
		m.drop = stats.DropOversize
	default:
		m.data = packet[:n]
	}
	return stats.DropNone
}

// ownerOf returns the peer of a session.
func ownerOf(k *wireguard.Keypair) *peer { return k.Peer().Owner.(*peer) }

func (f *sealed) accept(b *rxBatch) {
	now := f.control.Now()
	for i := 0; i < len(b.sealed); {
		first := i
		for i < len(b.sealed) && b.sealed[i].keys == b.sealed[first].keys {
			i++
		}
		f.acceptRun(now, b, b.sealed[first:i])
	}
}

// acceptRun checks the window for messages of one session, keeps the packets of those that pass, and tells the
// device of them.
func (f *sealed) acceptRun(now time.Time, b *rxBatch, run []sealedMessage) {
	keys, p := run[0].keys, ownerOf(run[0].keys)
	var from netip.AddrPort // of the last one that passed
	before, bytes, data := len(b.packets), 0, false
	for i := range run {
		m := &run[i]
		if err := keys.Accept(m.counter); err != nil {
			b.tally.Drops[stats.DropOf(err)]++
			continue
		}
		from = m.source
		switch {
		case len(m.data) == 0:
			b.tally.Control++
			continue
		case m.drop != stats.DropNone:
			b.tally.Drops[m.drop]++
		default:
			bytes += len(m.data)
			b.packets = append(b.packets, packet{payload: m.data, peer: p})
		}
		data = true
	}
	if !from.IsValid() {
		return
	}
	p.received.Add(uint64(len(b.packets)-before), uint64(bytes))
	if f.device.Received(now, keys, from, data) {
		f.control.Raise()
	}
}

// send sends messages of control, or of release. Those with packets that have waited are counted.
func (f *sealed) send(sends []wireguard.Send) {
	f.sending.Lock()
	defer f.sending.Unlock()
	for _, s := range sends {
		err := f.conn.sendOne(s.Datagram, newEndpoint(s.To))
		switch {
		case s.Packet == 0:
		case err != nil:
			f.counters.Late(0, stats.DropSend, 1)
		default:
			f.counters.Late(1, stats.DropNone, 0)
			s.Peer.Owner.(*peer).sent.Add(1, uint64(s.Packet))
		}
	}
	f.device.Left(sends)
	unsent := f.device.Tally().Unsent
	f.counters.Late(0, stats.DropSession, unsent-f.unsent)
	f.unsent = unsent
}
