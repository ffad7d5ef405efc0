package wireguard

import (
	"encoding/binary"
	"time"
)

// Tick does what is due, and returns what is to be sent.
func (d *Device) Tick(now time.Time) (sends []Send) {
	d.control.Lock()
	defer d.control.Unlock()
	var calls []*Peer
	d.mu.Lock()
	for _, p := range d.plan.take(now) {
		more, call := d.expire(now, p)
		sends = append(sends, more...)
		if call {
			calls = append(calls, p)
		}
		d.plan.plan(p)
	}
	d.mu.Unlock()
	for _, p := range calls {
		sends = append(sends, d.initiate(now, p)...)
	}
	return sends
}

// expire lets the timers of a peer fire. call says that a handshake is to be begun.
func (d *Device) expire(now time.Time, p *Peer) (sends []Send, call bool) {
	t := &p.timers
	if due(t.zero, now) {
		d.erase(p)
		t.zero = time.Time{}
	}
	if due(t.retransmit, now) {
		d.retry(now, p)
	}
	if due(t.silence, now) {
		t.silence = time.Time{}
		t.want(now, true)
	}
	if due(t.keepalive, now) {
		again := t.another
		t.keepalive, t.another = time.Time{}, false
		if sends = append(sends, d.emptyMessage(now, p)...); len(sends) == 0 {
			t.want(now, true)
		}
		if again {
			t.keepalive = now.Add(keepaliveTimeout)
		}
	}
	if due(t.persistent, now) {
		t.persistent = now.Add(t.every)
		if p.current.usable(now) {
			sends = append(sends, d.emptyMessage(now, p)...)
		} else {
			t.want(now, true)
		}
	}
	if t.flush {
		t.initiate = time.Time{}
		sends = append(sends, d.unstage(now, p)...)
	}
	return sends, d.mayCall(now, p)
}

// retry wants another initiation, or gives up.
func (d *Device) retry(now time.Time, p *Peer) {
	t := &p.timers
	t.retransmit = time.Time{}
	if t.attempts < maxAttempts {
		t.attempts++
		t.want(now, false)
		return
	}
	p.unanswered++
	p.show()
	d.dropPending(p)
	d.unsent(p)
	t.initiate, t.fresh = time.Time{}, false
	if t.zero.IsZero() {
		t.zero = now.Add(zeroAfter)
	}
}

// mayCall reports whether a wanted handshake can begin: the peer's address is known, and no message of a
// handshake was sent to it in the last five seconds.
func (d *Device) mayCall(now time.Time, p *Peer) bool {
	t := &p.timers
	switch {
	case !due(t.initiate, now):
		return false
	case !p.endpoint.IsValid(): // nothing can wait for a peer that may never call
		t.initiate = time.Time{}
		d.unsent(p)
		return false
	case !p.lastSent.IsZero() && now.Sub(p.lastSent) < rekeyTimeout:
		t.initiate = time.Time{}
		if t.retransmit.IsZero() { // else its answer is still awaited
			t.initiate = p.lastSent.Add(rekeyTimeout)
		}
		return false
	}
	if t.fresh {
		t.attempts = 0
	}
	t.initiate, t.fresh = time.Time{}, false
	return true
}

// initiate begins a handshake. The one that was begun before is forgotten.
func (d *Device) initiate(now time.Time, p *Peer) []Send {
	call, err := d.newHandshake(p)
	if err != nil {
		return nil
	}
	d.mu.Lock()
	local, err := d.newIndex()
	d.mu.Unlock()
	if err != nil {
		return nil
	}
	stamp := timestamp(now)
	message := binary.LittleEndian.AppendUint32(make([]byte, 0, InitiationLen), uint32(Initiation))
	message = binary.LittleEndian.AppendUint32(message, local)
	message, _, err = call.write(message, stamp[:])
	if err != nil {
		return nil
	}
	message = append(message, make([]byte, macsLen)...)
	d.tell(call, p)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropPending(p)
	p.pending = &pending{call, local}
	d.indices[local] = indexed{peer: p, pending: p.pending}
	p.jar.sign(now, &p.keys, message)
	p.lastSent = now
	p.timers.retransmit = now.Add(rekeyTimeout + d.jitter())
	p.timers.sent(now)
	d.plan.plan(p)
	d.tally.initiations.Add(1)
	return []Send{{Peer: p, To: p.endpoint, Datagram: message}}
}
