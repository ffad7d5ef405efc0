package mutate

import (
	"fmt"
	"hash"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/splitmix"
)

// Kind is the tunnel protocol of most mutants.
type Kind uint8

// The kinds. The zero value is none of them.
const (
	_         Kind = iota
	Any            // all of them in turn
	Reference      // the project's own frame header
	VXLAN          // RFC 7348
	WireGuard
	WireGuardMAC    // initiations with a wrong mac1
	WireGuardReplay // a genuine initiation, again and again
	WireGuardForged // initiations with the right mac1 and nothing else
	WireGuardTag    // data with the index of the live session and a wrong tag
	WireGuardIndex  // data with an index that stands for nothing
	Junk            // random datagrams of the length of an initiation: what any flood costs
)

var kindNames = map[string]Kind{
	"any": Any, "reference": Reference, "vxlan": VXLAN, "wireguard": WireGuard, "wireguard-mac": WireGuardMAC, "wireguard-replay": WireGuardReplay,
	"wireguard-forged": WireGuardForged, "wireguard-tag": WireGuardTag, "wireguard-index": WireGuardIndex, "junk": Junk,
}

// KindNames are the names that ParseKind accepts, in alphabetical order.
func KindNames() string { return strings.Join(slices.Sorted(maps.Keys(kindNames)), ", ") }

// ParseKind parses the name of a kind.
func ParseKind(name string) (Kind, error) {
	k, ok := kindNames[name]
	if !ok {
		return 0, fmt.Errorf("mutants %q: want one of %s", name, KindNames())
	}
	return k, nil
}

// String returns the name that ParseKind accepts.
func (k Kind) String() string {
	for name, kind := range kindNames {
		if kind == k {
			return name
		}
	}
	return "unknown"
}

// Path holds the addresses, ports and MTU of mutants. All addresses have the same IP version.
type Path struct {
	FromMAC, ToMAC [6]byte
	From           []netip.AddrPort // source addresses, in turn; port 0: the destination port
	To             netip.Addr
	Ports          []uint16   // of the attacked end, in turn
	MTU            int        // bytes of the largest IP packet, at least 576
	InnerFrom      netip.Addr // an IPv4 address behind the peer: a valid inner source
	InnerTo        netip.Addr
	Forge          bool     // also send frames without a fault
	Session        *Session // of WireGuard; nil: none is known
}

// Stream is an endless sequence of mutants, each a whole Ethernet frame.
type Stream struct {
	path   Path
	kind   Kind
	seed   uint64
	index  uint64 // number of the next mutant
	pcg    rand.PCG
	random *rand.Rand
	mac1   hash.Hash // keyed for the attacked end
	port   uint16
	from   netip.AddrPort
	done   [6]string // steps that made the last mutant
	steps  int
}

// New returns a stream that begins at its first mutant.
func New(seed uint64, kind Kind, path Path) *Stream {
	s := &Stream{path: path, kind: kind, seed: seed, mac1: path.Session.mac1()}
	s.random = rand.New(&s.pcg)
	return s
}

// Seek makes number index the next mutant. Numbers begin at 0.
func (s *Stream) Seek(index uint64) { s.index = index }

// Index returns the number of the next mutant.
func (s *Stream) Index() uint64 { return s.index }

// Room returns the largest length of a frame. Next does not allocate if its argument has that capacity.
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

// begin seeds the random generator with the mutant's number.
func (s *Stream) begin() {
	n := s.index
	s.pcg.Seed(splitmix.Mix(s.seed+splitmix.Golden), splitmix.Mix(n^s.seed<<32+splitmix.Golden))
	s.steps = 0
	senders := uint64(len(s.path.From))
	s.port = s.path.Ports[n/senders%uint64(len(s.path.Ports))]
	s.from = s.path.From[n%senders]
	if s.from.Port() == 0 {
		s.from = netip.AddrPortFrom(s.from.Addr(), s.port)
	}
	s.index++
}

// Describe returns how the last mutant was made.
func (s *Stream) Describe() string { return strings.Join(s.done[:s.steps], ", ") }

// note records a step for Describe.
func (s *Stream) note(step string) {
	if s.steps < len(s.done) {
		s.done[s.steps] = step
		s.steps++
	}
}

// oneIn returns true once in n times on average.
func (s *Stream) oneIn(n int) bool { return s.random.IntN(n) == 0 }

// between returns a number from least to most.
func (s *Stream) between(least, most int) int { return least + s.random.IntN(most-least+1) }

// fill appends n random bytes.
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

// size returns a payload length: mostly short, sometimes at an edge.
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
