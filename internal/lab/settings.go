package lab

import (
	"cmp"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Settings are what a set-up is measured with: its traffic, its network and its engine.
// They are a value and nobody changes those of a set-up that is there. Zeros stand for
// the defaults.
type Settings struct {
	Engine    string // EngineAuto, EngineXDP or EngineAFPacket; empty is auto
	Direction string // rfc2544.Forward, Reverse or Both; empty is forward
	IPv6      bool   // inner packets
	Flows     int    // 0 is one
	Networks  int    // that the flows are spread over; 0 is one
	Seed      uint64
	// WAN is what the link between the two ends of a tunnel does to packets, as
	// --wan writes it; empty: nothing.
	WAN      string
	PlainWAN bool   // no offloads on the wan link
	Pcap     string // directory for captures of what went wrong in a trial; empty: none
	// LossTimeout is how late a frame may be before it is lost; 0 is DefaultLossTimeout.
	LossTimeout time.Duration
	// Reasons asks the kernel why it dropped what it dropped, which costs the
	// device time for each. Where the kernel does not say, nothing comes of it.
	Reasons bool
	// MaxFrames is the longest trial, in frames; 0 is DefaultMaxFrames.
	MaxFrames uint64
}

// What the zeros of Settings stand for.
const (
	DefaultLossTimeout        = 50 * time.Millisecond
	DefaultMaxFrames   uint64 = 1 << 27
)

// Resolved is s with its defaults.
func (s Settings) Resolved() Settings {
	s.Engine = cmp.Or(s.Engine, EngineAuto)
	s.Direction = cmp.Or(s.Direction, rfc2544.Forward)
	s.Flows, s.Networks = cmp.Or(s.Flows, 1), cmp.Or(s.Networks, 1)
	s.LossTimeout = cmp.Or(s.LossTimeout, DefaultLossTimeout)
	s.MaxFrames = cmp.Or(s.MaxFrames, DefaultMaxFrames)
	return s
}

// For is s for a run with frames up to the largest: with only one engine that can send
// those, the choice is no longer open.
func (s Settings) For(largest rfc2544.FrameSize) Settings {
	s = s.Resolved()
	if s.Engine == EngineAuto && largest > loadgen.MaxXDPFrame {
		s.Engine = EngineAFPacket
	}
	return s
}

// Directions are those of the streams, in the order of the ports that they leave.
func (s Settings) Directions() []string {
	if s.Direction == rfc2544.Both {
		return []string{rfc2544.Forward, rfc2544.Reverse}
	}
	return []string{s.Direction}
}

// minFrame is the smallest frame of the IP version.
func (s Settings) minFrame() rfc2544.FrameSize {
	if s.IPv6 {
		return rfc2544.MinFrame6
	}
	return rfc2544.MinFrame
}

// onWire are the settings that the bare wire knows of: it has no wan link.
func (s Settings) onWire() Settings {
	s = s.Resolved()
	s.WAN, s.PlainWAN, s.Pcap, s.Reasons = "", false, "", false
	return s
}
