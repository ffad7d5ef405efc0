package wireguard

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"
)

// Send is a message to send.
type Send struct {
	Peer     *Peer // nil: a cookie reply, to nobody in particular
	To       netip.AddrPort
	Datagram []byte
	Packet   int // length of the packet in it; 0: none
}

// loadTime is how long a device takes itself for under load after it was.
const loadTime = time.Second

// Handshake takes a message of type 1, 2 or 3 and returns what is to be sent. busy says that more messages
// arrive than can be handled: then their senders have to show that they receive at their address, and each
// has a rate (sections 5.3 and 5.4.7).
func (d *Device) Handshake(now time.Time, message []byte, from netip.AddrPort, busy bool) ([]Send, Refusal) {
	d.control.Lock()
	defer d.control.Unlock()
	sends, refusal := d.handshakeMessage(now, message, from, busy)
	d.tally.receive(message, refusal)
	return sends, refusal
}

func (d *Device) handshakeMessage(now time.Time, message []byte, from netip.AddrPort, busy bool) ([]Send, Refusal) {
	t, ok := TypeOf(message)
	switch {
	case !ok || t == Data:
		return nil, RefusedForm
	case t == CookieReply:
		return nil, d.cookieReply(now, message)
	case !d.mac1.holds(message):
		return nil, RefusedMAC
	}
	if sends, refusal := d.underLoad(now, message, from, busy); refusal != Accepted {
		return sends, refusal
	}
	if t == Initiation {
		return d.initiation(now, message, from)
	}
	return d.response(now, message, from)
}

// underLoad lets a message pass unless there are too many. Data do not wait for it.
func (d *Device) underLoad(now time.Time, message []byte, from netip.AddrPort, busy bool) ([]Send, Refusal) {
	if busy {
		d.loaded = now.Add(loadTime)
	}
	switch {
	case !now.Before(d.loaded):
		return nil, Accepted
	case mac2Of(message) != mac{} && d.cookies.holds(now, message, from):
		if !d.limiter.allow(now, from.Addr(), handshakes) {
			return nil, RefusedRate
		}
		return nil, Accepted
	case !d.answered.allow(now, from.Addr(), answers) || !d.replies.take(now, allAnswers):
		return nil, RefusedRate
	}
	reply, err := d.cookies.reply(now, &d.keys, message, from)
	if err != nil {
		return nil, RefusedInternal
	}
	d.tally.cookies.Add(1)
	return []Send{{To: from, Datagram: reply}}, RefusedCookie
}

// cookieReply keeps the cookie for the next message to the peer. It sends nothing, and moves no endpoint.
func (d *Device) cookieReply(now time.Time, message []byte) Refusal {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, found := d.indices[binary.LittleEndian.Uint32(message[offReceiver:])]
	if !found {
		return RefusedIndex
	}
	if !at.peer.jar.take(now, &at.peer.keys, message) {
		return RefusedSeal
	}
	return Accepted
}

// initiation answers a peer that begins a handshake. The order of the checks is that of section 5.4.2.
func (d *Device) initiation(now time.Time, message []byte, from netip.AddrPort) ([]Send, Refusal) {
	call, err := d.newHandshake(nil)
	if err != nil {
		return nil, RefusedInternal
	}
	stamp, _, err := call.read(message[offInitNoise : len(message)-macsLen])
	switch {
	case err == errUnknown:
		return nil, RefusedStranger
	case err != nil || len(stamp) != stampLen:
		return nil, RefusedSeal
	}
	p, local, refusal := d.admit(now, PublicKey(call.noise.PeerStatic()), stamp)
	if refusal != Accepted {
		return nil, refusal
	}
	answer := binary.LittleEndian.AppendUint32(make([]byte, 0, ResponseLen), uint32(Response))
	answer = binary.LittleEndian.AppendUint32(answer, local)
	answer = append(answer, message[offSender:offSender+4]...)
	if err := call.noise.SetPresharedKey(p.psk[:]); err != nil {
		return nil, RefusedInternal
	}
	answer, keys, err := call.write(answer, nil)
	if err != nil {
		return nil, RefusedSeal
	}
	answer = append(answer, make([]byte, macsLen)...)
	d.tell(call, p)
	d.mu.Lock()
	defer d.mu.Unlock()
	p.jar.sign(now, &p.keys, answer)
	k := &Keypair{peer: p, local: local, remote: binary.LittleEndian.Uint32(message[offSender:]), born: now}
	k.use(keys)
	d.replace(&p.previous, nil)
	d.replace(&p.next, k)
	d.indices[local] = indexed{peer: p, keys: k}
	p.move(from)
	p.lastSent = now
	p.timers.derived(now)
	p.hear(now)
	p.timers.received(now, false)
	p.timers.sent(now)
	d.plan.plan(p)
	d.tally.responses.Add(1)
	return []Send{{Peer: p, To: p.endpoint, Datagram: answer}}, Accepted
}

// admit checks an initiation against what the peer has sent before, and notes it, all at once: of several
// copies only one may pass.
func (d *Device) admit(now time.Time, public PublicKey, stamp []byte) (*Peer, uint32, Refusal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.peers[public]
	switch {
	case p == nil:
		return nil, 0, RefusedStranger
	case bytes.Compare(stamp, p.greatest[:]) <= 0:
		return nil, 0, RefusedReplay
	case !p.lastAccepted.IsZero() && now.Sub(p.lastAccepted) < initiationInterval:
		return nil, 0, RefusedFlood
	}
	local, err := d.newIndex()
	if err != nil {
		return nil, 0, RefusedInternal
	}
	p.greatest, p.lastAccepted = [stampLen]byte(stamp), now
	d.dropPending(p)
	return p, local, Accepted
}

// response completes a handshake that we have begun.
func (d *Device) response(now time.Time, message []byte, from netip.AddrPort) ([]Send, Refusal) {
	d.mu.Lock()
	at, found := d.indices[binary.LittleEndian.Uint32(message[offRespReceiver:])]
	d.mu.Unlock()
	if !found || at.pending == nil {
		return nil, RefusedIndex
	}
	_, keys, err := at.pending.handshake.read(message[offRespNoise : len(message)-macsLen])
	if err != nil {
		return nil, RefusedSeal
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p := at.peer
	k := &Keypair{peer: p, initiator: true, local: at.pending.local, remote: binary.LittleEndian.Uint32(message[offSender:]), born: now}
	k.use(keys)
	if p.next != nil { // the peer has begun one, too: the newer of both stays
		d.replace(&p.previous, nil)
		d.replace(&p.current, nil)
		p.previous, p.next = p.next, nil
	} else {
		d.replace(&p.previous, nil)
		p.previous = p.current
	}
	p.current, p.pending = k, nil
	d.indices[k.local] = indexed{peer: p, keys: k}
	p.move(from)
	p.timers.derived(now)
	p.hear(now)
	p.timers.received(now, false)
	d.complete(now, p)
	sends := d.firstData(now, p)
	d.plan.plan(p)
	return sends, Accepted
}

// complete notes that a handshake has led to a session.
func (d *Device) complete(now time.Time, p *Peer) {
	p.timers.completed()
	p.lastHandshake = now
	p.show()
	d.tally.handshakes.Add(1)
}

// firstData returns the packets that have waited for the session, or a keepalive: the responder may not send
// before it has seen a message under the new key.
func (d *Device) firstData(now time.Time, p *Peer) []Send {
	if p.staged.len() == 0 {
		return d.emptyMessage(now, p)
	}
	return d.unstage(now, p)
}

// move sets the endpoint to the source of an authentic message.
func (p *Peer) move(from netip.AddrPort) {
	if (p.roams || !p.endpoint.IsValid()) && from != p.endpoint {
		p.endpoint = from
		p.show()
	}
}
