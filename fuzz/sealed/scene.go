package sealed

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/blake2s"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Addresses of the ends, and of somebody else.
var (
	targetAt = netip.MustParseAddrPort("192.0.2.1:51820")
	callerAt = netip.MustParseAddrPort("192.0.2.2:51820")
	calledAt = netip.MustParseAddrPort("[2001:db8::3]:51820")
	idleAt   = netip.MustParseAddrPort("192.0.2.4:51820")
	sources  = []netip.AddrPort{callerAt, calledAt, idleAt, netip.MustParseAddrPort("203.0.113.9:1"), netip.MustParseAddrPort("[2001:db8::9]:65535")}
)

// scene is a device under attack with three peers: one with a session, one that it is calling, and an idle one.
// Its random numbers are always the same, so its messages are too.
type scene struct {
	now                  time.Time
	target               *host
	caller, called, idle *host
	toTarget             *wireguard.Peer // as caller sees it

	fresh [][]byte // messages that the target must take: see the kinds
	stale [][]byte // messages that it must refuse: seen before, too old, a stranger's
	own   [][]byte // messages of the target
	live  uint32   // receiver index of the session
	pends uint32   // receiver index of the handshake that the target has begun
	state state
	past  []event // of the target
}

// event is what happened to the target: a message arrived or, without one, it called a peer.
type event struct {
	now     time.Time
	message []byte
	from    netip.AddrPort
}

// The kinds of fresh messages.
const (
	kindInitiation = iota // of the idle peer
	kindResponse          // to the target's initiation
	kindRenewal           // an initiation of the peer that has a session
	kindCookie            // for the target's initiation
	kindData
	kindKeepalive
	numKinds
)

// newScene returns a scene that nobody has attacked yet. All are the same, so the target alone is made anew: it lives
// through what happened to the first one.
func newScene() *scene {
	s := *firstScene()
	toCalled := s.newTarget()
	for _, e := range s.past {
		if e.message == nil {
			s.target.call(e.now, toCalled)
		} else {
			s.target.receive(e.now, oracle.Exact(e.message), e.from, false)
		}
	}
	return &s
}

// newTarget makes the device and tells it of its peers. It returns the one that it will call.
func (s *scene) newTarget() (toCalled *wireguard.Peer) {
	s.target = newHost(1, 1, targetAt)
	s.target.knows(epoch, s.caller, wireguard.PresharedKey{})
	toCalled = s.target.knows(epoch, s.called, wireguard.PresharedKey{7})
	s.target.knows(epoch, s.idle, wireguard.PresharedKey{})
	return toCalled
}

// firstScene lets two minutes pass: the first session is old when the attack begins.
var firstScene = sync.OnceValue(func() *scene {
	s := &scene{now: epoch, caller: newHost(2, 1, callerAt), called: newHost(3, 1, calledAt), idle: newHost(4, 1, idleAt)}
	toCalled := s.newTarget()
	s.toTarget = s.caller.knows(s.now, s.target, wireguard.PresharedKey{})
	s.called.knows(s.now, s.target, wireguard.PresharedKey{7})
	idleToTarget := s.idle.knows(s.now, s.target, wireguard.PresharedKey{})
	s.join()
	expired := s.caller.seal(s.now, s.toTarget, numbered(1))
	s.now = s.now.Add(190 * time.Second)
	s.begin(toCalled, idleToTarget)
	stranger := newHost(5, 1, idleAt)
	s.stale = append(s.stale, expired, stranger.call(s.now, stranger.knows(s.now, s.target, wireguard.PresharedKey{})))
	s.state = s.observe()
	return s
})

// arrives delivers a message of the peer that has a session.
func (s *scene) arrives(message []byte) result {
	s.past = append(s.past, event{s.now, oracle.Exact(message), callerAt})
	return s.target.receive(s.now, oracle.Exact(message), callerAt, false)
}

// join makes a session with that peer, and returns its messages.
func (s *scene) join() (first, answer, confirm []byte) {
	first = s.caller.call(s.now, s.toTarget)
	answer = s.arrives(first).sends[0].Datagram
	confirm = s.caller.receive(s.now, oracle.Exact(answer), targetAt, false).sends[0].Datagram
	s.arrives(confirm)
	return first, answer, confirm
}

// begin makes the session, the handshake and all messages.
func (s *scene) begin(toCalled, idleToTarget *wireguard.Peer) {
	first, answer, confirm := s.join()
	s.live = wireguard.Index(confirm)
	seen := s.caller.seal(s.now, s.toTarget, numbered(2))
	s.arrives(seen)
	s.now = s.now.Add(6 * time.Second)
	call := s.target.call(s.now, toCalled)
	s.past = append(s.past, event{now: s.now})
	s.pends = binary.LittleEndian.Uint32(call[4:])
	cookie := s.called.receive(s.now, oracle.Exact(call), targetAt, true).sends[0].Datagram
	response := s.called.receive(s.now.Add(2*time.Second), oracle.Exact(call), targetAt, false).sends[0].Datagram
	s.own, s.stale = [][]byte{answer, call}, [][]byte{first, confirm, seen}
	s.fresh = make([][]byte, numKinds)
	s.fresh[kindInitiation], s.fresh[kindResponse], s.fresh[kindCookie] = s.idle.call(s.now, idleToTarget), response, cookie
	s.fresh[kindData], s.fresh[kindKeepalive] = s.caller.seal(s.now, s.toTarget, numbered(3)), s.caller.seal(s.now, s.toTarget, nil)
	s.fresh[kindRenewal] = s.renewal()
}

// renewal returns an initiation of a peer that has a session: it was restarted meanwhile.
func (s *scene) renewal() []byte {
	again := newHost(2, 2, callerAt)
	return again.call(s.now, again.knows(s.now, s.target, wireguard.PresharedKey{}))
}

// state is what is to be seen of a device, without its counters of refusals.
type state struct {
	live  int
	next  time.Time
	tally wireguard.Tally
	peers [3]wireguard.PeerState
}

func (s *scene) observe() state {
	peers := s.target.device.States(s.now)
	slices.SortFunc(peers, func(a, b wireguard.PeerState) int { return cmp.Compare(a.Public.String(), b.Public.String()) })
	seen := state{live: s.target.device.Live(), next: s.target.device.Next(), tally: s.target.device.Tally(), peers: [3]wireguard.PeerState(peers)}
	clear(seen.tally.Received[:])
	seen.tally.Cookies = 0
	return seen
}

// genuine reports whether a message is one that the target must take, or differs from it only where nothing
// protects it: the sender's index of a handshake message, once mac1 is made anew, and mac2.
func (s *scene) genuine(message []byte) bool {
	return slices.ContainsFunc(s.fresh, func(m []byte) bool { return bytes.Equal(protected(m), protected(message)) })
}

// protected returns the parts of a message that a key protects.
func protected(message []byte) []byte {
	t, ok := wireguard.TypeOf(message)
	if !ok || t != wireguard.Initiation && t != wireguard.Response {
		return message
	}
	return slices.Concat(message[:4], message[8:len(message)-2*macLen])
}

// macLen is in bytes.
const macLen = 16

// sign makes mac1 of a message to a host, if it is long enough.
func sign(message []byte, to wireguard.PublicKey) {
	if len(message) < 2*macLen {
		return
	}
	key := blake2s.Sum256(append([]byte("mac1----"), to[:]...))
	h, err := blake2s.New128(key[:])
	if err != nil {
		panic(err)
	}
	end := len(message) - 2*macLen
	h.Write(message[:end])
	h.Sum(message[:end])
}

// silent fails unless a message that nobody made leaves the device as it was. Under load a cookie may be sent.
func (s *scene) silent(what string, message []byte, r result) {
	small(message, r.sends)
	if r.taken || len(r.packet) > 0 {
		oracle.Fail(oracle.Agreement, "%s was taken: % x", what, message)
	}
	for _, send := range r.sends {
		if len(send.Datagram) != wireguard.CookieReplyLen {
			oracle.Fail(oracle.Amplification, "%s was answered: % x", what, send.Datagram)
		}
	}
	if now := s.observe(); now != s.state {
		oracle.Fail(oracle.State, "%s changed the device: %+v, was %+v", what, now, s.state)
	}
}

// small fails if more is sent than came in.
func small(message []byte, sends []wireguard.Send) {
	bytes := 0
	for _, send := range sends {
		bytes += len(send.Datagram)
	}
	if len(sends) > 1 || bytes > len(message) {
		oracle.Fail(oracle.Amplification, "%d messages, %d bytes in response to one of %d", len(sends), bytes, len(message))
	}
}

// numbered returns an IPv4 packet that says its number.
func numbered(i int) []byte {
	packet := make([]byte, 32)
	packet[0], packet[3] = 0x45, 32
	binary.BigEndian.PutUint64(packet[24:], uint64(i))
	return packet
}
