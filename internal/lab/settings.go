package lab

import (
	"cmp"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Settings are traffic, network and engine of a set-up. They are passed by value: a set-up's
// settings do not change. Zero values stand for the defaults.
type Settings struct {
	Engine    string // EngineAuto, EngineXDP or EngineAFPacket; empty is auto
	Direction string // rfc2544.Forward, Reverse or Both; empty is forward
	IPv6      bool   // of the inner packets
	Flows     int    // 0 is one
	Networks  int    // destination networks of the flows; 0 is one
	Seed      uint64
	// WAN is the impairment of the link between the ends of a tunnel, in the syntax of --wan; empty:
	// none.
	WAN      string
	PlainWAN bool // no offloads on the wan link
	// CongestionControl is of TCP in all namespaces: of the hosts of streams, and of what a device opens
	// itself. Empty: as the machine has it.
	CongestionControl string
	Pcap              string // directory for packet captures of anomalies, by the afpacket engine; empty: none
	// LossTimeout is the age at which a frame counts as lost; 0 is DefaultLossTimeout.
	LossTimeout time.Duration
	// Reasons records the kernel's drop reasons, which costs the device CPU time per drop. It has no
	// effect on kernels without drop reasons.
	Reasons bool
	// MaxFrames limits the number of frames of a trial; 0 is DefaultMaxFrames.
	MaxFrames uint64
}

// Defaults of Settings.
const (
	DefaultLossTimeout        = 50 * time.Millisecond
	DefaultMaxFrames   uint64 = 1 << 27
)

// Resolved returns s with its defaults filled in.
func (s Settings) Resolved() Settings {
	s.Engine = cmp.Or(s.Engine, EngineAuto)
	s.Direction = cmp.Or(s.Direction, rfc2544.Forward)
	s.Flows, s.Networks = cmp.Or(s.Flows, 1), cmp.Or(s.Networks, 1)
	s.LossTimeout = cmp.Or(s.LossTimeout, DefaultLossTimeout)
	s.MaxFrames = cmp.Or(s.MaxFrames, DefaultMaxFrames)
	return s
}

// For returns s for frames up to the largest size. If only one engine can send them, it replaces
// EngineAuto.
func (s Settings) For(largest rfc2544.FrameSize) Settings {
	s = s.Resolved()
	if s.Engine == EngineAuto && largest > loadgen.MaxXDPFrame {
		s.Engine = EngineAFPacket
	}
	return s
}

// Directions returns the directions of the streams, in the order of the sending ports.
func (s Settings) Directions() []string {
	if s.Direction == rfc2544.Both {
		return []string{rfc2544.Forward, rfc2544.Reverse}
	}
	return []string{s.Direction}
}

// minFrame returns the smallest frame size of the IP version.
func (s Settings) minFrame() rfc2544.FrameSize {
	if s.IPv6 {
		return rfc2544.MinFrame6
	}
	return rfc2544.MinFrame
}

// onWire returns s without the settings of the wan link, which the bare wire does not have.
func (s Settings) onWire() Settings {
	s = s.Resolved()
	s.WAN, s.PlainWAN, s.Pcap, s.Reasons = "", false, "", false
	return s
}
