package wireguard

import (
	"net/netip"
	"time"
)

// Sight is what can be seen of a peer without the device's lock, so that data never wait for those who look often.
type Sight struct {
	Endpoint      netip.AddrPort // invalid: unknown
	LastHandshake time.Time      // zero: never
	Unanswered    uint64         // handshakes that we have given up, since nobody answered
	// Heard is when the last message of the peer passed all checks, to a tenth of a second; zero: never, or not since
	// somebody set its endpoint.
	Heard time.Time
}

// Attempts is how many initiations without an answer end a handshake, and GiveUpAfter how long they take.
const (
	Attempts    = maxAttempts + 1
	GiveUpAfter = Attempts * rekeyTimeout
)

// Sight returns what can be seen of the peer.
func (p *Peer) Sight() Sight {
	s := *p.sight.Load()
	if at := p.heard.Load(); at != 0 {
		s.Heard = time.Unix(0, at)
	}
	return s
}

// show shows others what the device knows. The device's lock is held.
func (p *Peer) show() {
	p.sight.Store(&Sight{Endpoint: p.endpoint, LastHandshake: p.lastHandshake, Unanswered: p.unanswered})
}

// hearing is the resolution of Sight.Heard: most messages write nothing.
const hearing = 100 * time.Millisecond

// hear notes that a message of the peer has passed all checks.
func (p *Peer) hear(now time.Time) {
	at := now.UnixNano()
	if since := at - p.heard.Load(); since < 0 || since >= int64(hearing) { // below 0: the clock was set back
		p.heard.Store(at)
	}
}
