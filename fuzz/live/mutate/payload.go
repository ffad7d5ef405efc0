package mutate

// shape is a form of payload. write appends it to the frame.
type shape struct {
	name  string
	write func(*Stream, []byte) []byte
}

// families are the shapes of each kind, and shapes that belong to no tunnel.
var (
	referenceShapes = []shape{{"reference", (*Stream).referenceFrame}, {"reference control", (*Stream).controlFrame}}
	vxlanShapes     = []shape{{"vxlan", (*Stream).vxlan}}
	wireGuardShapes = []shape{
		{"wireguard right mac1", (*Stream).forgedInitiation},
		{"wireguard replayed initiation", (*Stream).replayedInitiation},
		{"wireguard bad tag", (*Stream).badTag},
		{"wireguard initiation", func(s *Stream, b []byte) []byte { return s.wireGuard(b, 1, 148) }},
		{"wireguard response", func(s *Stream, b []byte) []byte { return s.wireGuard(b, 2, 92) }},
		{"wireguard cookie", func(s *Stream, b []byte) []byte { return s.wireGuard(b, 3, 64) }},
		{"wireguard data", func(s *Stream, b []byte) []byte { return s.wireGuard(b, 4, 32+16*s.between(0, 8)) }},
	}
	otherShapes = []shape{{"gre", (*Stream).gre}, {"geneve", (*Stream).geneve}, {"gtp-u", (*Stream).gtp}}
	plainShapes = []shape{
		{"empty", func(_ *Stream, b []byte) []byte { return b }},
		{"garbage", func(s *Stream, b []byte) []byte { return s.fill(b, s.size(s.room(b))) }},
		{"largest", func(s *Stream, b []byte) []byte { return s.fill(b, s.room(b)) }},
		{"zeros", func(s *Stream, b []byte) []byte { return append(b, blank[:s.size(len(blank))]...) }},
		{"inner packet bare", func(s *Stream, b []byte) []byte { return s.inner(b) }},
	}
	families = [][]shape{referenceShapes, vxlanShapes, wireGuardShapes, otherShapes, plainShapes}
)

// own returns the shapes of a kind; nil for Any.
func (k Kind) own() []shape {
	switch k {
	case Reference:
		return referenceShapes
	case VXLAN:
		return vxlanShapes
	case WireGuard:
		return wireGuardShapes
	}
	return nil
}

// floods are the shapes of kinds that have only one.
var floods = map[Kind]shape{
	WireGuardMAC:    {"wireguard wrong mac1", func(s *Stream, b []byte) []byte { return s.fill(append(b, 1, 0, 0, 0), initiationLen-4) }},
	WireGuardReplay: {"wireguard replayed initiation", (*Stream).replayedInitiation},
	WireGuardForged: {"wireguard right mac1", (*Stream).forgedInitiation},
	WireGuardTag:    {"wireguard bad tag", (*Stream).badTag},
	WireGuardIndex:  {"wireguard unknown index", (*Stream).unknownIndex},
	Junk:            {"junk", func(s *Stream, b []byte) []byte { return s.fill(b, initiationLen) }},
}

// payload appends the payload of a datagram. A flood has one shape; of other kinds at least three in four
// have a shape of the stream's kind.
func (s *Stream) payload(b []byte) []byte {
	if flood, ok := floods[s.kind]; ok {
		s.note(flood.name)
		return flood.write(s, b)
	}
	family := s.kind.own()
	if family == nil || s.oneIn(4) {
		family = families[s.random.IntN(len(families))]
	}
	chosen := family[s.random.IntN(len(family))]
	s.note(chosen.name)
	start := len(b)
	b = chosen.write(s, b)
	if s.oneIn(16) && len(b) > start {
		s.note("cut")
		b = b[:s.between(start, len(b)-1)]
	}
	return b
}

// room returns how many more bytes the frame may hold.
func (s *Stream) room(b []byte) int { return max(0, s.Room()-len(b)) }

// blank is the initial content of headers and padding.
var blank [128]byte
