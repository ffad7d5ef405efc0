package mutate

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// Kind is the tunnel whose datagrams most mutants look like.
type Kind uint8

// The kinds. Zero is none.
const (
	_         Kind = iota
	Any            // all of them in turn
	Reference      // the project's own frame header
	VXLAN          // RFC 7348
	WireGuard
)

var kindNames = map[string]Kind{"any": Any, "reference": Reference, "vxlan": VXLAN, "wireguard": WireGuard}

// ParseKind reads any, reference, vxlan or wireguard.
func ParseKind(name string) (Kind, error) {
	k, ok := kindNames[name]
	if !ok {
		return 0, fmt.Errorf("mutants %q: any, reference, vxlan or wireguard", name)
	}
	return k, nil
}

// String is the name that ParseKind reads.
func (k Kind) String() string {
	for name, kind := range kindNames {
		if kind == k {
			return name
		}
	}
	return "unknown"
}

// Path is the addresses, ports and MTU that mutants are made for. All addresses are of one IP version.
type Path struct {
	FromMAC, ToMAC [6]byte
	From           []netip.AddrPort // claimed sources, in turn; port 0: the port that is sent to
	To             netip.Addr
	Ports          []uint16   // of the attacked end, in turn
	MTU            int        // bytes of the largest IP packet, at least 576
	InnerFrom      netip.Addr // behind the peer: what it may send inside; IPv4
	InnerTo        netip.Addr
	Forge          bool // also send what is right in every field
}

// Stream is an endless sequence of mutants, each a whole Ethernet frame.
type Stream struct {
	path   Path
	kind   Kind
	seed   uint64
	index  uint64 // of the next one
	pcg    rand.PCG
	random *rand.Rand
	port   uint16
	from   netip.AddrPort
	done   [6]string // what was done to the last one
	steps  int
}

// New begins a stream at its first mutant.
func New(seed uint64, kind Kind, path Path) *Stream {
	s := &Stream{path: path, kind: kind, seed: seed}
	s.random = rand.New(&s.pcg)
	return s
}

// Seek makes number index, from 0, the next one.
func (s *Stream) Seek(index uint64) { s.index = index }

// Index is the number of the next one.
func (s *Stream) Index() uint64 { return s.index }

// Room is how long a frame may become: give Next a slice of that capacity and
// it does not allocate.
func (s *Stream) Room() int { return ethernetLen + s.path.MTU }

// Next writes the next mutant over into and returns it.
func (s *Stream) Next(into []byte) []byte {
	s.begin()
	b := append(into[:0], blank[:s.headers()]...)
	b = s.payload(b)
	if most := s.Room(); len(b) > most {
		b = b[:most]
	}
	return s.wrap(b)
}

// begin makes every choice of the mutant follow from its number.
func (s *Stream) begin() {
	n := s.index
	s.pcg.Seed(mix(s.seed), mix(n^s.seed<<32))
	s.steps = 0
	senders := uint64(len(s.path.From))
	s.port = s.path.Ports[n/senders%uint64(len(s.path.Ports))]
	s.from = s.path.From[n%senders]
	if s.from.Port() == 0 {
		s.from = netip.AddrPortFrom(s.from.Addr(), s.port)
	}
	s.index++
}

// mix spreads the bits of a counter (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Describe says what the last mutant was.
func (s *Stream) Describe() string { return strings.Join(s.done[:s.steps], ", ") }

// note remembers a step of Describe.
func (s *Stream) note(step string) {
	if s.steps < len(s.done) {
		s.done[s.steps] = step
		s.steps++
	}
}

// oneIn is true once in n times.
func (s *Stream) oneIn(n int) bool { return s.random.IntN(n) == 0 }

// between is a number from least to most.
func (s *Stream) between(least, most int) int { return least + s.random.IntN(most-least+1) }

// fill appends n random octets.
func (s *Stream) fill(b []byte, n int) []byte {
	for ; n >= 8; n -= 8 {
		x := s.random.Uint64()
		b = append(b, byte(x), byte(x>>8), byte(x>>16), byte(x>>24), byte(x>>32), byte(x>>40), byte(x>>48), byte(x>>56))
	}
	for ; n > 0; n-- {
		b = append(b, byte(s.random.Uint32()))
	}
	return b
}

// size is a length of payload: mostly short, sometimes at an edge.
func (s *Stream) size(most int) int {
	n := s.between(0, 64)
	switch s.random.IntN(8) {
	case 0:
		n = s.between(0, 3)
	case 1:
		n = most - s.between(0, 2)
	case 2:
		n = s.between(65, 600)
	}
	return max(0, min(n, most))
}
