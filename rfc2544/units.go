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

// FrameSize is the length of an Ethernet frame in bytes, FCS included, as in RFC 2544 section 9.
type FrameSize int

// Lengths in bytes of parts of an Ethernet frame.
const (
	fcsOctets  = 4  // frame check sequence: part of FrameSize, absent on a veth
	gapOctets  = 20 // preamble, start delimiter and inter-frame gap on a real wire
	headOctets = 14 // destination, source, type
)

// MinFrame and MaxFrame limit the frame sizes that the lab accepts; the MTU of a tunnel can be
// lower.
const (
	MinFrame  FrameSize = 64            // smallest legal Ethernet frame, and room enough for the signature
	MinFrame6 FrameSize = MinFrame + 20 // an IPv6 header is 20 bytes longer
	MaxFrame  FrameSize = 9216
)

// CheckFrameSize returns an error for a size that the lab cannot send.
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

// OnVeth returns the length in bytes of the frame on a virtual link, where it has no FCS.
func (s FrameSize) OnVeth() int { return int(s) - fcsOctets }

// IP returns the length in bytes of the IP packet in the frame.
func (s FrameSize) IP() int { return int(s) - fcsOctets - headOctets }

// Rate is a load or a result in frames per second, per direction.
type Rate float64

// Flood is the load without a schedule: the tester sends as fast as it can.
var Flood = Rate(math.Inf(1))

// IsFlood reports whether r is Flood.
func (r Rate) IsFlood() bool { return math.IsInf(float64(r), 1) }

// Bits returns the rate in bit/s for frames of size s, FCS included, preamble and inter-frame gap
// not.
func (r Rate) Bits(s FrameSize) float64 { return float64(r) * float64(s) * 8 }

// Frames returns the number of frames in a trial of length d: floor(rate x duration), without a
// rounding error for whole rates.
func (r Rate) Frames(d time.Duration) uint64 {
	return uint64(math.Floor(float64(r)*float64(d)/float64(time.Second) + 1e-6))
}

// String formats the rate with a unit: 812fps, 150kpps, 1.49Mpps.
func (r Rate) String() string {
	switch {
	case r.IsFlood():
		return "max"
	case r >= 1e6:
		return kv.FormatFloat(float64(r)/1e6, 3) + "Mpps"
	case r >= 1e3:
		return kv.FormatFloat(float64(r)/1e3, 1) + "kpps"
	}
	return kv.FormatFloat(float64(r), 1) + "fps"
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

// BitRate is the speed of a medium in bits per second.
type BitRate float64

// Gigabit is the nominal link of RFC 2544 runs unless the user names another.
const Gigabit BitRate = 1e9

// MaxFrameRate returns R of RFC 2544 section 20: the highest rate of frames of size s on the
// medium, with preamble and inter-frame gap.
func (b BitRate) MaxFrameRate(s FrameSize) Rate {
	return Rate(float64(b) / (8 * float64(int(s)+gapOctets)))
}

// Load is an intended load in the user's notation: 150kpps, 1Gbps, 80% or max. Frame size and
// nominal link turn it into a Rate.
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

// At returns the load as a frame rate for frames of size s on a link of speed link.
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
