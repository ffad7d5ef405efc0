package reference

import (
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// plain is the format of package wire: a header with tunnel id, sequence number and CRC-32C.
type plain struct {
	peers *peerTable
	mtu   int
}

func (f *plain) layout() layout { return layout{head: wire.HeaderLen, mtu: f.mtu} }

func (f *plain) number(b *batch) {
	for i := range b.datagrams {
		d := &b.datagrams[i]
		d.to, d.sequence = d.peer.endpoint, d.peer.sequence
		d.peer.sequence++
	}
}

func (f *plain) seal(b *batch) {
	for _, d := range b.datagrams {
		wire.PutHeader(b.slab[d.start:d.end:d.end], d.peer.id, d.sequence)
	}
}

func (f *plain) open(b *rxBatch) {
	for i := range b.messages {
		f.split(b, &b.messages[i])
	}
}

// split visits the datagrams of one message. An empty message is one empty datagram.
func (f *plain) split(b *rxBatch, m *message) {
	size, rest := m.size(), m.data
	for ; len(rest) > size; rest = rest[size:] {
		f.add(b, rest[:size:size], m)
	}
	f.add(b, rest, m)
}

// add counts one datagram and keeps its packet if the packet passes the checks.
func (f *plain) add(b *rxBatch, datagram []byte, m *message) {
	b.tally.Received++
	p, drop := f.check(datagram, m)
	if drop != stats.DropNone {
		b.tally.Drops[drop]++
		return
	}
	b.packets = append(b.packets, p)
}

// check runs all checks except the replay window, in the order of the package comment. It does not affect
// other datagrams.
func (f *plain) check(datagram []byte, m *message) (p packet, drop stats.Drop) {
	if m.from == nil {
		return p, stats.DropPeer
	}
	if m.truncated || len(datagram) > wire.HeaderLen+f.mtu {
		return p, stats.DropOversize
	}
	h, err := wire.ParseHeader(datagram)
	if err != nil {
		return p, stats.DropOf(err)
	}
	p.peer = f.peers.byID(h.Tunnel)
	if p.peer == nil || p.peer.endpoint != m.from {
		return p, stats.DropTunnel
	}
	if !wire.ChecksumHolds(datagram) {
		return p, stats.DropChecksum
	}
	p.payload, p.sequence = datagram[wire.HeaderLen:], h.Sequence
	if !inner.IsIP(p.payload) {
		return p, stats.DropInner
	}
	if f.peers.bySource(p.payload) != p.peer {
		return p, stats.DropSource
	}
	return p, stats.DropNone
}

// accept checks the replay windows. Only it moves a window, because the window must move only for datagrams
// with a correct checksum.
func (f *plain) accept(b *rxBatch) {
	for i := 0; i < len(b.packets); {
		p, packets, bytes := b.packets[i].peer, 0, 0
		for ; i < len(b.packets) && b.packets[i].peer == p; i++ {
			o := &b.packets[i]
			if err := p.window.Accept(o.sequence); err != nil {
				b.tally.Drops[stats.DropOf(err)]++
				o.payload = nil
				continue
			}
			packets, bytes = packets+1, bytes+len(o.payload)
		}
		p.received.Add(uint64(packets), uint64(bytes))
		p.restarts.Store(p.window.Restarts())
	}
}
