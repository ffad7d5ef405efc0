package wireguard

import (
	"net/netip"
	"time"
)

// Reserve takes the counters first to first+n-1 for n packets to a peer. keys is nil if there is no session:
// then the packets are to be staged, and Tick begins a handshake. It is nil, too, while older packets wait, which
// Release gives. to is where the peer is.
func (d *Device) Reserve(now time.Time, p *Peer, n int) (keys *Keypair, first uint64, to netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.staged.len() == 0 {
		keys, first = d.reserve(now, p, n)
	}
	d.plan.plan(p)
	return keys, first, p.endpoint
}

// Stage keeps a copy of a packet until there is a session. At most 128 packets of a peer wait, the newest. It
// reports whether Tick has something to do at once: to begin a handshake, or to send the packet.
func (d *Device) Stage(now time.Time, p *Peer, packet []byte) (tick bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.staged.add(packet) {
		d.tally.unsent.Add(1)
	}
	if p.current.usable(now) {
		p.timers.flush, p.timers.initiate = true, now // there is a session by now
	} else {
		p.timers.want(now, true) // a tick since Reserve may have forgotten it
	}
	d.plan.plan(p)
	return due(p.timers.initiate, now)
}

// Sessions finds the sessions of data messages. It takes the lock once for all.
func (d *Device) Sessions(now time.Time, indices []uint32, into []*Keypair) []*Keypair {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, i := range indices {
		k := d.indices[i].keys
		if k != nil && now.Sub(k.born) >= rejectAfterTime {
			k = nil
		}
		into = append(into, k)
	}
	return into
}

// Received notes that data messages of a session have passed all checks, at least one of them with a packet if
// data is set, the last of them from an address. It reports whether Tick has something to do at once: packets
// have waited for this session.
func (d *Device) Received(now time.Time, k *Keypair, from netip.AddrPort, data bool) (tick bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := k.peer
	if d.indices[k.local].keys != k {
		return false // it was replaced meanwhile
	}
	p.move(from)
	if k == p.next {
		d.replace(&p.previous, nil)
		p.previous, p.current, p.next = p.current, k, nil
		d.complete(now, p)
		if p.staged.len() > 0 {
			p.timers.flush, p.timers.initiate, tick = true, now, true
		}
	}
	p.hear(now)
	p.timers.received(now, data)
	if k == p.current && k.initiator && !k.asked && now.Sub(k.born) >= rekeyOnReceive {
		k.asked = true
		p.timers.want(now, true)
	}
	d.plan.plan(p)
	return tick
}

// unstage seals the packets that have waited.
func (d *Device) unstage(now time.Time, p *Peer) (sends []Send) {
	p.timers.flush = false
	k, first := d.reserve(now, p, p.staged.len())
	if k == nil {
		return nil
	}
	for i, packet := range p.staged.take() {
		message := make([]byte, HeaderLen+Padded(len(packet), d.mtu)+TagLen)
		copy(message[HeaderLen:], packet)
		k.Seal(message, first+uint64(i))
		sends = append(sends, Send{p, p.endpoint, message, len(packet)})
	}
	if len(sends) > 0 {
		p.leaving.Store(true)
	}
	return sends
}

// emptyMessage returns a keepalive; nothing without a session.
func (d *Device) emptyMessage(now time.Time, p *Peer) []Send {
	k := p.current
	if !k.usable(now) {
		return nil
	}
	message := make([]byte, MinDataLen)
	k.Seal(message, k.counter)
	k.counter++
	p.timers.sent(now)
	if k.worn(now) {
		p.timers.want(now, true)
	}
	return []Send{{Peer: p, To: p.endpoint, Datagram: message}}
}
