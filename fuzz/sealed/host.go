package sealed

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// mtu is that of all devices, in bytes.
const mtu = 1420

// epoch is when the virtual clock begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// host is a device at an address, with its key.
type host struct {
	device *wireguard.Device
	key    wireguard.PrivateKey
	at     netip.AddrPort
}

// newHost makes a host whose key and random numbers follow from two seeds.
func newHost(key, random byte, at netip.AddrPort) *host {
	h := &host{key: wireguard.PrivateKey{8, key}, at: at}
	d, err := wireguard.New(wireguard.Config{Private: h.key, MTU: mtu, Random: rand.NewChaCha8([32]byte{key, random})})
	if err != nil {
		panic(err) // the harness is wrong, not the device
	}
	h.device = d
	return h
}

// public returns the host's public key.
func (h *host) public() wireguard.PublicKey {
	if h.device != nil {
		return h.device.Public() // without a multiplication
	}
	return h.key.Public()
}

// knows tells a host of another one.
func (h *host) knows(now time.Time, other *host, psk wireguard.PresharedKey) *wireguard.Peer {
	p, err := h.device.SetPeer(now, wireguard.PeerConfig{Public: other.public(), Preshared: psk, Endpoint: other.at})
	if err != nil {
		panic(err)
	}
	return p
}

// call makes a host begin a handshake, with a packet that waits for it.
func (h *host) call(now time.Time, p *wireguard.Peer) []byte {
	h.device.Reserve(now, p, 1)
	sends := h.device.Tick(now)
	if len(sends) != 1 || len(sends[0].Datagram) != wireguard.InitiationLen {
		panic("no initiation") // the harness is wrong
	}
	return sends[0].Datagram
}

// seal makes a data message of a packet.
func (h *host) seal(now time.Time, p *wireguard.Peer, packet []byte) []byte {
	k, counter, _ := h.device.Reserve(now, p, 1)
	if k == nil {
		panic("no session")
	}
	message := make([]byte, wireguard.HeaderLen+wireguard.Padded(len(packet), mtu)+wireguard.TagLen)
	copy(message[wireguard.HeaderLen:], packet)
	k.Seal(message, counter)
	return message
}

// result is what a message did.
type result struct {
	sends   []wireguard.Send
	taken   bool // it is genuine, and was not there before
	packet  []byte
	session *wireguard.Keypair
}

// receive gives a message to a device as a tunnel does. It decrypts in place.
func (h *host) receive(now time.Time, message []byte, from netip.AddrPort, busy bool) (r result) {
	t, ok := wireguard.TypeOf(message)
	if !ok || t != wireguard.Data {
		sends, refusal := h.device.Handshake(now, message, from, busy)
		return result{sends: sends, taken: refusal == wireguard.Accepted}
	}
	var indices [1]uint32
	var sessions [1]*wireguard.Keypair
	indices[0] = wireguard.Index(message)
	k := h.device.Sessions(now, indices[:], sessions[:0])[0]
	if k == nil {
		return result{}
	}
	packet, err := k.Open(message)
	if err != nil || k.Accept(wireguard.Counter(message)) != nil {
		return result{}
	}
	r = result{taken: true, packet: packet, session: k}
	if h.device.Received(now, k, from, len(packet) > 0) {
		r.sends = h.device.Tick(now)
	}
	return r
}

// join makes a session: caller calls called, and its first message confirms it.
func join(now time.Time, caller, called *host, p *wireguard.Peer) {
	answer := called.receive(now, caller.call(now, p), caller.at, false)
	confirm := caller.receive(now, oracle.Exact(answer.sends[0].Datagram), called.at, false)
	called.receive(now, oracle.Exact(confirm.sends[0].Datagram), caller.at, false)
}
