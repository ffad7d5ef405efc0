package rfc2544

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/kv"
)

// FrameSize is the length of an Ethernet frame in octets, FCS included, as
// RFC 2544 section 9 counts.
type FrameSize int

// Octets of the Ethernet envelope that this package's arithmetic needs.
const (
	fcsOctets  = 4  // frame check sequence: part of FrameSize, absent on a veth
	gapOctets  = 20 // preamble, start delimiter and inter-frame gap on a real wire
	minIPv4    = 64 // smallest legal Ethernet frame, and room enough for the signature
	maxFrame   = 9216
	headOctets = 14 // destination, source, type
)

// MinFrame and MaxFrame are the sizes the lab accepts at all; a tunnel's MTU
// may allow less.
const (
	MinFrame  FrameSize = minIPv4
	MinFrame6 FrameSize = minIPv4 + 20 // an IPv6 header is 20 octets longer
	MaxFrame  FrameSize = maxFrame
)

// CheckFrameSize finds a size that no frame can have.
func CheckFrameSize(octets int) (FrameSize, error) {
	size := FrameSize(octets)
	if size < MinFrame || size > MaxFrame {
		return 0, fmt.Errorf("frame size %d: from %d to %d octets, FCS included", octets, MinFrame, MaxFrame)
	}
	return size, nil
}

// ParseFrameSizes reads a list such as 64,512,1518, in its order, none twice.
func ParseFrameSizes(list string) ([]FrameSize, error) {
	var sizes []FrameSize
	for part := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("frame size %q: write numbers such as 64,512,1518", part)
		}
		size, err := CheckFrameSize(n)
		if err != nil {
			return nil, err
		}
		if slices.Contains(sizes, size) {
			return nil, fmt.Errorf("frame size %d comes twice", n)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// OnVeth is the frame's length in octets on a virtual link, which carries no FCS.
func (s FrameSize) OnVeth() int { return int(s) - fcsOctets }

// IP is the length in octets of the IP packet inside the frame.
func (s FrameSize) IP() int { return int(s) - fcsOctets - headOctets }

// Rate is a load or a result in frames per second, per direction.
type Rate float64

// Flood is the load that has no schedule: as fast as the tester can.
var Flood = Rate(math.Inf(1))

// IsFlood reports whether r is Flood.
func (r Rate) IsFlood() bool { return math.IsInf(float64(r), 1) }

// Bits is the rate in bits per second of frames of size s, FCS counted, gap not.
func (r Rate) Bits(s FrameSize) float64 { return float64(r) * float64(s) * 8 }

// Frames is how many frames a trial of length d holds: floor(rate x duration),
// computed so that a rate of whole frames per second never loses one to rounding.
func (r Rate) Frames(d time.Duration) uint64 {
	return uint64(math.Floor(float64(r)*float64(d)/float64(time.Second) + 1e-6))
}

// String prints the rate in the unit that people read: 812fps, 150kpps, 1.49Mpps.
func (r Rate) String() string {
	switch {
	case r.IsFlood():
		return "max"
	case r >= 1e6:
		return trimFloat(float64(r)/1e6, 3) + "Mpps"
	case r >= 1e3:
		return trimFloat(float64(r)/1e3, 1) + "kpps"
	}
	return trimFloat(float64(r), 1) + "fps"
}

// MarshalJSON writes the number; Flood, for which JSON has none, is null.
func (r Rate) MarshalJSON() ([]byte, error) {
	if r.IsFlood() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(r))
}

// UnmarshalJSON reads a number, or null as Flood.
func (r *Rate) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*r = Flood
		return nil
	}
	return json.Unmarshal(b, (*float64)(r))
}

func trimFloat(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// BitRate is the speed of a medium in bits per second.
type BitRate float64

// Gigabit is the nominal link of RFC 2544 runs unless the user names another.
const Gigabit BitRate = 1e9

// MaxFrameRate is R of RFC 2544 section 20: the most frames per second of size s
// that the medium can carry, preamble and gap included.
func (b BitRate) MaxFrameRate(s FrameSize) Rate {
	return Rate(float64(b) / (8 * float64(int(s)+gapOctets)))
}

// Load is an intended load as a user writes it: 150kpps, 1Gbps, 80% or max.
// It becomes a Rate once the frame size and the nominal link are known.
type Load struct {
	flood bool
	rate  kv.Rate
}

// ParseLoad reads a load. The error names the forms that are understood.
func ParseLoad(s string) (Load, error) {
	if strings.EqualFold(strings.TrimSpace(s), "max") {
		return Load{flood: true}, nil
	}
	rate, ok := kv.ParseRate(s)
	switch {
	case !ok:
		return Load{}, fmt.Errorf("load %q: write 150kpps, 1Gbps, 80%% (of the link) or max", s)
	case rate.Value <= 0:
		return Load{}, fmt.Errorf("load %q: must be above zero; for as much as the tester can send, write max", s)
	}
	return Load{rate: rate}, nil
}

// At is the load as a frame rate for frames of size s on a link of speed link.
func (l Load) At(s FrameSize, link BitRate) Rate {
	switch l.rate.Unit {
	case kv.Frames:
		return Rate(l.rate.Value)
	case kv.Bits:
		return Rate(l.rate.Value / (8 * float64(s)))
	case kv.Share:
		return Rate(l.rate.Value) * link.MaxFrameRate(s)
	}
	return Flood
}
