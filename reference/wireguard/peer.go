package wireguard

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Peer is another end. The device's lock guards all fields that change.
type Peer struct {
	// Owner is what the caller knows the peer by.
	Owner any

	public PublicKey
	psk    PresharedKey
	static [keyLen]byte // the product of both static keys
	keys   macKeys      // for messages to the peer
	jar    jar

	endpoint netip.AddrPort // invalid: nobody knows
	roams    bool

	greatest     [stampLen]byte // timestamp of an initiation of the peer
	lastAccepted time.Time      // an initiation of the peer
	lastSent     time.Time      // a handshake message of ours

	pending                 *pending
	previous, current, next *Keypair
	staged                  staged
	leaving                 atomic.Bool // packets that were staged are between the device and the underlay
	timers                  timers
	wake                    time.Time // when Tick looks at the peer; see schedule
	place                   int       // in the schedule
	lastHandshake           time.Time
	unanswered              uint64 // handshakes that were given up

	// For others, who do not take the lock.
	sight atomic.Pointer[Sight]
	heard atomic.Int64 // in nanoseconds since 1970
}

// pending is a handshake that we have begun.
type pending struct {
	handshake *handshake
	local     uint32
}

// Public returns the peer's public key.
func (p *Peer) Public() PublicKey { return p.public }

// PeerState is what a peer looks like from outside.
type PeerState struct {
	Public        PublicKey
	Endpoint      netip.AddrPort // invalid: unknown
	LastHandshake time.Time      // zero: never
	Keepalive     time.Duration  // persistent; 0: off
	Staged        int            // packets that wait for a session
	Session       bool           // data can be sent
}

func (p *Peer) state(now time.Time) PeerState {
	return PeerState{
		Public: p.public, Endpoint: p.endpoint, LastHandshake: p.lastHandshake, Keepalive: p.timers.every,
		Staged: p.staged.len(), Session: p.current.usable(now),
	}
}
