package reference

import (
	"crypto/rand"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// sealed is WireGuard's format. Sessions are made and kept by its control, on a goroutine of its own, so that
// data never wait for a curve operation.
type sealed struct {
	device     *wireguard.Device
	peers      *peerTable
	mtu        int
	now        func() time.Time
	handshakes chan handshakeMessage
	wake       chan struct{} // control has something to do at once
}

// handshakeMessage is a message of type 1, 2 or 3, copied out of its receive buffer.
type handshakeMessage struct {
	data   [wireguard.InitiationLen]byte
	length int
	from   netip.AddrPort
}

// newSealed returns the format of a valid Config with keys.
func newSealed(cfg settings.Config, peers *peerTable) (*sealed, error) {
	device, err := wireguard.New(wireguard.Config{Private: cfg.Private, MTU: cfg.MTU, Random: rand.Reader})
	if err != nil {
		return nil, err
	}
	f := &sealed{
		device: device, peers: peers, mtu: cfg.MTU, now: time.Now,
		handshakes: make(chan handshakeMessage, wireguard.MaxWaiting), wake: make(chan struct{}, 1),
	}
	now := time.Now()
	for i, c := range cfg.Peers {
		p := peers.all[i]
		p.sealed, err = device.SetPeer(now, wireguard.PeerConfig{
			Public: c.Public, Preshared: c.Preshared, Endpoint: c.Endpoint, Keepalive: c.Keepalive, Owner: p,
		})
		if err != nil {
			return nil, &settings.FieldError{Field: settings.PeerField(i, "public_key"), Err: err}
		}
	}
	return f, nil
}

func (f *sealed) layout() layout {
	return layout{head: wireguard.HeaderLen, tail: wireguard.TagLen, pad: wireguard.Pad, mtu: f.mtu}
}

// number reserves the counters of each run of packets to a peer. Packets to a peer without a session wait.
func (f *sealed) number(b *batch) {
	now, kept := f.now(), b.datagrams[:0]
	for i := 0; i < len(b.datagrams); {
		p, n := b.datagrams[i].peer, 1
		for i+n < len(b.datagrams) && b.datagrams[i+n].peer == p {
			n++
		}
		run := b.datagrams[i : i+n]
		i += n
		keys, first := f.device.Reserve(now, p.sealed, n)
		if keys == nil {
			f.stage(now, b, p, run)
			continue
		}
		to := p.at.Load()
		for j := range run {
			run[j].keys, run[j].sequence, run[j].to = keys, first+uint64(j), to
		}
		kept = append(kept, run...)
	}
	b.datagrams = kept
}

// stage keeps packets until there is a session.
func (f *sealed) stage(now time.Time, b *batch, p *peer, run []span) {
	for i := range run {
		f.device.Stage(now, p.sealed, b.packetOf(&run[i]))
	}
	f.raise()
}

// raise makes control look at once.
func (f *sealed) raise() {
	select {
	case f.wake <- struct{}{}:
	default: // it was told before
	}
}

func (f *sealed) seal(b *batch) {
	for i := range b.datagrams {
		d := &b.datagrams[i]
		clear(b.slab[d.start+wireguard.HeaderLen+d.packet : d.end-wireguard.TagLen]) // the padding
		d.keys.Seal(b.slab[d.start:d.end:d.end], d.sequence)
	}
}

func (f *sealed) open(b *rxBatch) {
	b.indices = b.indices[:0]
	for i := range b.messages {
		f.split(b, &b.messages[i])
	}
	b.sessions = f.device.Sessions(f.now(), b.indices, b.sessions[:0])
	kept := b.packets[:0]
	for i := range b.packets {
		p := &b.packets[i]
		p.keys = b.sessions[p.session]
		if drop := f.decrypt(p); drop != stats.DropNone {
			b.tally.Drops[drop]++
			continue
		}
		kept = append(kept, *p)
	}
	b.packets = kept
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
	case m.truncated || len(datagram) > wireguard.MinDataLen+f.mtu+wireguard.Pad:
		b.tally.Drops[stats.DropOversize]++
	case !ok:
		b.tally.Drops[stats.DropShort]++
	case t == wireguard.Data:
		index := wireguard.Index(datagram)
		if n := len(b.indices); n == 0 || b.indices[n-1] != index {
			b.indices = append(b.indices, index)
		}
		b.packets = append(b.packets, packet{payload: datagram, source: m.source, session: len(b.indices) - 1, sequence: wireguard.Counter(datagram)})
	default:
		f.hand(b, datagram, m.source)
	}
}

// hand passes a handshake message to control, if it is not too far behind.
func (f *sealed) hand(b *rxBatch, datagram []byte, from netip.AddrPort) {
	h := handshakeMessage{length: len(datagram), from: from}
	copy(h.data[:], datagram)
	select {
	case f.handshakes <- h:
		b.tally.Control++
	default:
		b.tally.Drops[stats.DropHandshake]++
	}
}

// decrypt opens a data message, in place. A packet that is the peer's but must not be delivered keeps the reason,
// because it counts as a sign of life.
func (f *sealed) decrypt(p *packet) stats.Drop {
	if p.keys == nil {
		return stats.DropSession
	}
	payload, err := p.keys.Open(p.payload)
	if err != nil {
		return stats.DropSeal
	}
	p.peer = p.keys.Peer().Owner.(*peer)
	p.payload = payload
	if len(payload) == 0 {
		return stats.DropNone // a keepalive
	}
	n := inner.Length(payload)
	switch {
	case n == 0 || n > len(payload):
		p.drop = stats.DropInner
	case f.peers.bySource(payload) != p.peer:
		p.drop = stats.DropSource
	case n > f.mtu:
		p.drop = stats.DropOversize
	default:
		p.payload = payload[:n]
	}
	return stats.DropNone
}

func (f *sealed) accept(b *rxBatch) {
	now, kept := f.now(), b.packets[:0]
	for i := 0; i < len(b.packets); {
		first := i
		for i < len(b.packets) && b.packets[i].keys == b.packets[first].keys {
			i++
		}
		kept = f.acceptRun(now, b, b.packets[first:i], kept)
	}
	b.packets = kept
}

// acceptRun checks the window for packets of one session, and tells the device of those that pass.
func (f *sealed) acceptRun(now time.Time, b *rxBatch, run, kept []packet) []packet {
	keys, p := run[0].keys, run[0].peer
	var from netip.AddrPort // of the last one that passed
	packets, bytes, data := 0, 0, false
	for i := range run {
		o := &run[i]
		if err := keys.Accept(o.sequence); err != nil {
			b.tally.Drops[stats.DropOf(err)]++
			continue
		}
		from = o.source
		if len(o.payload) == 0 {
			b.tally.Control++
			continue
		}
		data = true
		if o.drop != stats.DropNone {
			b.tally.Drops[o.drop]++
			continue
		}
		packets, bytes = packets+1, bytes+len(o.payload)
		kept = append(kept, *o)
	}
	if !from.IsValid() {
		return kept
	}
	p.received.add(uint64(packets), uint64(bytes))
	moved, tick := f.device.Received(now, keys, from, data)
	if moved {
		p.at.Store(newEndpoint(from))
	}
	if tick {
		f.raise()
	}
	return kept
}
