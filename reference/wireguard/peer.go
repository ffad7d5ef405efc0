package wireguard

import (
	"net/netip"
	"time"
)

// maxStaged is how many packets wait for a session of one peer. If there are more, the oldest are dropped.
const maxStaged = 128

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
	staged                  [][]byte
	timers                  timers
	lastHandshake           time.Time
}

// pending is a handshake that we have begun.
type pending struct {
	handshake *handshake
	local     uint32
}

// Public returns the peer's public key.
func (p *Peer) Public() PublicKey { return p.public }

// stage keeps a copy of a packet until there is a session, and returns how many older ones it dropped.
func (p *Peer) stage(packet []byte) (dropped int) {
	if len(p.staged) >= maxStaged {
		dropped = len(p.staged) - maxStaged + 1
		p.staged = append(p.staged[:0], p.staged[dropped:]...)
	}
	p.staged = append(p.staged, append([]byte(nil), packet...))
	return dropped
}

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
		Staged: len(p.staged), Session: p.current.usable(now),
	}
}
