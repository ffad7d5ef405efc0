package loadgen

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Limits of the engine.
const (
	MaxFlows    = 65536
	MaxNetworks = 256                     // RFC 2544 section 12
	MaxXDPFrame = rfc2544.FrameSize(3076) // a live frame lies in one page
	MaxFrames   = 1 << 32                 // of a trial, per stream: sequence numbers have 32 bits
	MaxRate     = rfc2544.Rate(20e6)      // above it a schedule means nothing
	MaxMutant   = 2040                    // octets of a frame of an attack (bpf/tester.h)
	minRate     = rfc2544.Rate(1)
	maxBatch    = 256 // NAPI's own is 64; the kernel takes up to 256 (TEST_XDP_MAX_BATCH)
)

// Endpoint is one of the tester's addresses, as a stream's frames carry them.
type Endpoint struct {
	MAC net.HardwareAddr
	IP  netip.Addr
}

// Stream is the traffic of one direction. Stream s leaves port s and is
// received at the other port.
type Stream struct {
	From    Endpoint
	To      netip.Addr
	NextHop net.HardwareAddr // the device's port, to which frames are addressed
}

// Plan is one whole trial of an engine.
type Plan struct {
	Streams []Stream // one, or two for both directions at once
	Reverse bool     // with one stream: it leaves port 1 instead of port 0
	Lane    int      // the engine's set-up that the plan is for, from 0
	// Trial is what each stream sends: size, load, duration, traffic. Its Networks
	// are 1 to MaxNetworks; 0 is 1.
	rfc2544.Trial
	Flows       int           // per stream, 1 to MaxFlows
	Seed        uint64        // of the flows' ports and networks
	IPv6        bool          // the streams' addresses are IPv6; frames from rfc2544.MinFrame6 up
	LossTimeout time.Duration // a frame that takes longer is lost, and counted as late; above 0
	IdleTimeout time.Duration // the trial ends when no frame has come for this long; above 0
	Drain       time.Duration // and at the latest this long after the last frame was sent
	Batch       int           // frames between two flushes to the port; 0 lets the engine choose
	Pcap        string        // directory for captures of what went wrong, by the afpacket engine; empty: none
	Attack      rfc2544.Rate  // of mutants, sent beside the streams by the xdp engine; 0: none
}

// Validate returns an error about the first value that no engine supports, in one line.
func (p Plan) Validate() error {
	switch {
	case len(p.Streams) < 1 || len(p.Streams) > 2:
		return fmt.Errorf("plan: %d streams: one per direction, so 1 or 2", len(p.Streams))
	case slices.ContainsFunc(p.Streams, p.otherFamily):
		return fmt.Errorf("plan: the streams' addresses are not of the IP version of its frames")
	case p.Size < p.MinFrame():
		return fmt.Errorf("frame size %d: the smallest that holds the signature is %d", p.Size, p.MinFrame())
	case p.Networks < 0 || p.Networks > MaxNetworks:
		return fmt.Errorf("%d networks: from 1 to %d", p.Networks, MaxNetworks)
	case p.Size > rfc2544.MaxFrame:
		return fmt.Errorf("frame size %d: the largest is %d", p.Size, rfc2544.MaxFrame)
	case !p.Load.IsFlood() && !(p.Load >= minRate && p.Load <= MaxRate):
		return fmt.Errorf("load %v: the engine paces from %v to %v; to send as much as it can, write max", p.Load, minRate, MaxRate)
	case p.Duration <= 0:
		return fmt.Errorf("duration %v: must be above zero", p.Duration)
	case p.Flows < 1 || p.Flows > MaxFlows:
		return fmt.Errorf("%d flows: from 1 to %d", p.Flows, MaxFlows)
	case p.Batch < 0 || p.Batch > maxBatch:
		return fmt.Errorf("batch of %d frames: from 1 to %d, or 0 for the engine's choice", p.Batch, maxBatch)
	case p.Attack != 0 && !(p.Attack >= minRate && p.Attack <= MaxRate):
		return fmt.Errorf("attack of %v: the engine paces from %v to %v", p.Attack, minRate, MaxRate)
	case p.Step != 0 && !(p.Step >= minRate && p.Step <= MaxRate && p.StepAt > 0 && p.StepAt < p.Duration):
		return fmt.Errorf("load %v from %v on: the engine paces from %v to %v, and changes within the trial", p.Step, p.StepAt, minRate, MaxRate)
	case p.Burst > 1 && !(p.BurstRate >= p.Load && p.BurstRate <= MaxRate):
		return fmt.Errorf("bursts at %v: from the load itself to %v", p.BurstRate, MaxRate)
	case p.Window < 0 || p.Window > 0 && !p.Load.IsFlood():
		return fmt.Errorf("window of %d frames: above zero, and the load is then max: a frame is sent when another one has come back", p.Window)
	case p.Load.IsFlood() && (p.Step != 0 || p.Burst > 1 || p.TagFrom != 0):
		return fmt.Errorf("plan: a flood has no schedule, so no steps, bursts and tags")
	case p.Step != 0 && p.Burst > 1:
		return fmt.Errorf("plan: either steps or bursts")
	case p.TagFrom < 0 || p.TagFrom >= p.Duration:
		return fmt.Errorf("tags from %v on: must be within the trial", p.TagFrom)
	case p.LossTimeout <= 0 || p.IdleTimeout <= 0 || p.Drain <= 0:
		return fmt.Errorf("plan: the loss timeout, the idle timeout and the drain time must be above zero")
	}
	return nil
}

func (p Plan) otherFamily(s Stream) bool { return s.From.IP.Is6() != p.IPv6 || s.To.Is6() != p.IPv6 }

// MinFrame is the smallest frame that holds the signature.
func (p Plan) MinFrame() rfc2544.FrameSize {
	if p.IPv6 {
		return rfc2544.MinFrame6
	}
	return rfc2544.MinFrame
}

// First is the number of the plan's first stream. A lane has two.
func (p Plan) First() int {
	if p.Reverse && len(p.Streams) == 1 {
		return 2*p.Lane + 1
	}
	return 2 * p.Lane
}

// Intended returns how many frames the plan wants to send on a stream. For a flood that is the
// number of offered frames.
func (p Plan) Intended(offered uint64) uint64 {
	if p.Load.IsFlood() {
		return offered
	}
	return p.Frames()
}

// peak is the highest rate of the schedule.
func (p Plan) peak() rfc2544.Rate {
	if p.Burst > 1 {
		return p.BurstRate
	}
	return max(p.Load, p.Step)
}

// CutShortDrain is how long an engine waits at most for the frames on their way when a trial is cut short.
const CutShortDrain = time.Second

// PacedBatch is the largest batch of a paced trial: bursts are no longer.
const PacedBatch = 8

// BatchSize is how many frames the kernel handles between two flushes to the port.
// A frame leaves at the flush, so one at a time is the truest; above what that
// can carry, the smallest batch that does.
func (p Plan) BatchSize() int {
	const (
		floodBatch  = 64
		singlesUpTo = 0.3e6 // frames per second, all streams; a batch of polls is then shorter than the gap
	)
	switch {
	case p.Batch != 0:
		return p.Batch
	case p.Window > 0:
		return min(p.Window, PacedBatch)
	case p.Load.IsFlood():
		return floodBatch
	case float64(p.peak())*float64(len(p.Streams))+float64(p.Attack) <= singlesUpTo:
		return 1
	}
	return PacedBatch
}
