package sealed

import (
	"encoding/binary"
	"math"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Mutate attacks a device with genuine messages that were changed. The first byte says which message; each step of
// three bytes changes it, or delivers it and takes the genuine one again. No change may have any effect, and
// afterwards the genuine message still works.
func Mutate(data []byte) int {
	if len(data) < 1 {
		return 0
	}
	s := newScene()
	kind := int(data[0]) % (numKinds + len(s.stale) + len(s.own))
	original := s.original(kind)
	m := mutant{scene: s, message: oracle.Exact(original), from: callerAt}
	const longest = 3 * 64
	for steps := data[1:min(len(data), 1+longest)]; len(steps) >= 3; steps = steps[3:] {
		if m.step(steps[0], steps[1], steps[2]); steps[0]%numSteps == stepDeliver {
			m.message = oracle.Exact(original)
		}
	}
	m.deliver()
	s.works(kind)
	return 1
}

// original returns a genuine message, fresh or stale, or one of the device itself.
func (s *scene) original(kind int) []byte {
	switch {
	case kind < numKinds:
		return s.fresh[kind]
	case kind < numKinds+len(s.stale):
		return s.stale[kind-numKinds]
	}
	return s.own[kind-numKinds-len(s.stale)]
}

// mutant is a message in the making.
type mutant struct {
	scene   *scene
	message []byte
	from    netip.AddrPort
}

// The steps.
const (
	stepFlip = iota
	stepCut
	stepLengthen
	stepLowOrder
	stepSign
	stepIndex
	stepType
	stepCounter
	stepSplice
	stepSource
	stepDeliver
	numSteps
)

// counters are edges of a data message's counter.
var counters = []uint64{0, 1, 1 << 13, 1 << 32, 1 << 60, 1 << 63, math.MaxUint64 - 9000, math.MaxUint64 - 1<<13 - 1, math.MaxUint64 - 1<<13, math.MaxUint64}

// lowOrder are points of low order of Curve25519 (https://cr.yp.to/ecdh.html#validate), little-endian.
var lowOrder = [][]byte{
	make([]byte, 32),
	append([]byte{1}, make([]byte, 31)...),
	{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
	{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
	prime(0xec), prime(0xed), prime(0xee),
}

// prime returns p-1, p or p+1 of p = 2^255-19, by its last byte.
func prime(last byte) []byte {
	b := make([]byte, 32)
	for i := range b {
		b[i] = 0xff
	}
	b[0], b[31] = last, 0x7f
	return b
}

// step changes the message.
func (m *mutant) step(what, a, b byte) {
	n, arg := len(m.message), int(a)<<8|int(b)
	switch what % numSteps {
	case stepFlip:
		if n > 0 {
			m.message[arg/8%n] ^= 1 << (arg % 8)
		}
	case stepCut:
		m.message = oracle.Exact(m.message[:arg%(n+1)])
	case stepLengthen:
		m.message = append(m.message, make([]byte, int(b))...)
	case stepSign:
		sign(m.message, []wireguard.PublicKey{m.scene.target.device.Public(), m.scene.caller.device.Public()}[a%2])
	case stepSource:
		m.from = sources[int(a)%len(sources)]
	case stepDeliver:
		m.deliver()
	default:
		m.field(what%numSteps, a, b)
	}
}

// field changes a field, if the message is long enough to have it.
func (m *mutant) field(what, a, b byte) {
	put := func(at int, value []byte) {
		if len(m.message) >= at+len(value) {
			copy(m.message[at:], value)
		}
	}
	switch what {
	case stepLowOrder:
		at := map[wireguard.Type]int{wireguard.Initiation: 8, wireguard.Response: 12}[typeOf(m.message)]
		put(at, lowOrder[int(a)%len(lowOrder)])
	case stepIndex:
		put(4+4*int(b%2), binary.LittleEndian.AppendUint32(nil, []uint32{m.scene.live, m.scene.pends, 0}[a%3]))
	case stepType:
		put(int(b%4), []byte{a})
	case stepCounter:
		put(8, binary.LittleEndian.AppendUint64(nil, counters[int(a)%len(counters)]))
	case stepSplice:
		other := m.scene.original(int(a) % (numKinds + len(m.scene.stale)))
		at := int(b) % len(other)
		put(at, other[at:min(len(other), at+16)])
	}
}

func typeOf(message []byte) wireguard.Type {
	t, _ := wireguard.TypeOf(message)
	return t
}

// deliver gives the message to the device, unless it is the genuine one: that comes last.
func (m *mutant) deliver() {
	if m.scene.genuine(m.message) {
		return
	}
	r := m.scene.target.receive(m.scene.now, oracle.Exact(m.message), m.from, false)
	m.scene.silent("a changed message", m.message, r)
}

// works delivers a genuine message, all of them if the attack was by one that is none: cookies first, because
// a response ends their handshake.
func (s *scene) works(kind int) {
	kinds := []int{kind}
	if kind >= numKinds {
		kinds = []int{kindCookie, kindResponse, kindData, kindKeepalive}
	}
	for _, k := range kinds {
		if r := s.target.receive(s.now, oracle.Exact(s.fresh[k]), calledAt, false); !r.taken {
			oracle.Fail(oracle.Agreement, "the genuine message of kind %d no longer works", k)
		}
		if r := s.target.receive(s.now, oracle.Exact(s.fresh[k]), calledAt, false); r.taken || len(r.sends) > 0 {
			oracle.Fail(oracle.Agreement, "the genuine message of kind %d works twice", k)
		}
	}
}
