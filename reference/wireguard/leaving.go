package wireguard

import "time"

// Packets that have waited for a session leave before newer ones, though two goroutines send:
//
//	Handshake, Tick --packets that have waited--> control --> underlay --> Left
//	Reserve -------------newer packets----------> encap ----> Await -----> underlay

// Release seals the packets that have waited, if there is a session, to be sent before newer ones.
func (d *Device) Release(now time.Time, p *Peer) (sends []Send) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.staged.len() > 0 && p.current.usable(now) {
		if p.timers.flush {
			p.timers.initiate = time.Time{} // it was for this
		}
		sends = d.unstage(now, p)
		p.leaving.Store(false) // the caller has them
		d.plan.plan(p)
	}
	return sends
}

// Left notes that messages of Handshake or Tick have been sent.
func (d *Device) Left(sends []Send) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range sends {
		if s.Packet > 0 {
			s.Peer.leaving.Store(false)
			d.left.Broadcast()
		}
	}
}

// Await waits until packets that Handshake or Tick has released before are sent.
func (d *Device) Await(p *Peer) {
	if !p.leaving.Load() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for p.leaving.Load() {
		d.left.Wait()
	}
}

func (d *Device) reserve(now time.Time, p *Peer, n int) (*Keypair, uint64) {
	k := p.current
	if !k.usable(now) || k.counter > rejectAfterMessages-uint64(n) {
		p.timers.want(now, true)
		return nil, 0
	}
	first := k.counter
	k.counter += uint64(n)
	p.timers.sentData(now, d.jitter())
	if k.worn(now) {
		p.timers.want(now, true)
	}
	return k, first
}
