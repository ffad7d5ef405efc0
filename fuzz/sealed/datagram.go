package sealed

import (
	"encoding/binary"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// standing are the scenes that no message has changed yet: calm, and under load.
var standing [2]*scene

// useful is how many inputs attack a scene before it is made anew: under load its cookies run out.
const useful = 500

var used [2]int

// sceneFor returns a scene that is as new.
func sceneFor(load int) *scene {
	s := standing[load]
	if used[load]++; s == nil || used[load] >= useful {
		s, used[load] = newScene(), 0
	}
	standing[load] = nil // until the input is found to have changed nothing
	return s
}

// Datagram attacks a device with a message from any address. Its first byte says whether the device is under load and
// what is made right in the message, the second where it comes from.
func Datagram(data []byte) int {
	if len(data) < 2 || len(data) > 2+1<<11 {
		return 0
	}
	load := int(data[0] & 1)
	s := sceneFor(load)
	message, from := s.shaped(data[0]>>1, data[2:]), sources[int(data[1])%len(sources)]
	if s.genuine(message) {
		return s.taken(message, from, load == 1)
	}
	attack := func() result { return s.target.receive(s.now, message, from, load == 1) }
	before := refused(s.target.device)
	original := oracle.Exact(message)
	r := attack()
	s.silent("a message that nobody made", original, r)
	if t, ok := wireguard.TypeOf(original); (!ok || t != wireguard.Data) && refused(s.target.device) != before+1 {
		oracle.Fail(oracle.Counted, "a refused message is not counted: % x", original)
	}
	if oracle.Sampled(data, costly) {
		oracle.Allocates(allowance(original), func() { attack() })
		if t, ok := wireguard.TypeOf(original); !ok || t == wireguard.Data {
			oracle.Takes(10*oracle.Budget(len(original)), func() { attack() })
		}
	}
	standing[load] = s
	return 0
}

// costly is the sampling rate of costly oracles: they check one input in 64.
const costly = 64

// allowance is how many bytes a message may have allocated: none on the path of data, and what the handshake itself
// needs.
func allowance(message []byte) uint64 {
	switch t, ok := wireguard.TypeOf(message); {
	case !ok || t == wireguard.Data:
		return 0
	case t == wireguard.CookieReply:
		return 2 << 10
	}
	return 32 << 10
}

// shaped makes right what no engine guesses.
func (s *scene) shaped(how byte, message []byte) []byte {
	message = oracle.Exact(message)
	index := func(at int, i uint32) {
		if len(message) >= at+4 {
			binary.LittleEndian.PutUint32(message[at:], i)
		}
	}
	switch how % 6 {
	case 1:
		sign(message, s.target.device.Public())
	case 2:
		index(4, s.live)
	case 3:
		index(4, s.pends)
	case 4:
		index(8, s.pends)
		sign(message, s.target.device.Public())
	case 5:
		index(8, s.live)
		sign(message, s.target.device.Public())
	}
	return message
}

// taken delivers a genuine message: it has its effect and no other answer than it must have. The scene is used up.
func (s *scene) taken(message []byte, from netip.AddrPort, busy bool) int {
	t, _ := wireguard.TypeOf(message)
	original := oracle.Exact(message)
	r := s.target.receive(s.now, message, from, busy)
	small(original, r.sends)
	if want := !busy || t == wireguard.Data || t == wireguard.CookieReply; want && !r.taken {
		if t != wireguard.Initiation && t != wireguard.Response || mac1Holds(original, s.target.device.Public()) {
			oracle.Fail(oracle.Agreement, "a genuine message was refused: % x", original)
		}
	}
	for _, p := range s.target.device.States(s.now) {
		if r.session != nil && p.Public == r.session.Peer().Public() && p.Endpoint != from {
			oracle.Fail(oracle.State, "the endpoint is %v, but its peer sends from %v", p.Endpoint, from)
		}
	}
	return 1
}

// mac1Holds reports whether a message has the right mac1.
func mac1Holds(message []byte, to wireguard.PublicKey) bool {
	signed := oracle.Exact(message)
	sign(signed, to)
	return string(signed) == string(message)
}

// refused returns how many messages a device has counted, whatever came of them.
func refused(d *wireguard.Device) (n uint64) {
	for _, of := range d.Tally().Received {
		for _, v := range of {
			n += v
		}
	}
	return n
}
