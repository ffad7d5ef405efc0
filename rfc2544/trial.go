package rfc2544

import (
	"context"
	"time"
)

// Trial is the input of one measurement: one frame size at one load for one duration (RFC 2544
// section 23; RFC 9971 "Trial Input"). The rest of the traffic profile (Traffic, flows, direction,
// seed) stays the same during a search.
type Trial struct {
	Size     FrameSize     `json:"frame_size"`
	Load     Rate          `json:"load_fps"` // per direction; Flood for no schedule
	Duration time.Duration `json:"duration_ns"`
	Traffic
}

// Traffic describes how a trial's frames differ from evenly spaced frames of the run's flows. The
// zero value means no difference.
type Traffic struct {
	// Step is the load from StepAt on (RFC 2544 section 26.5).
	Step   Rate          `json:"step_fps,omitempty"`
	StepAt time.Duration `json:"step_at_ns,omitempty"`
	// Burst is the number of frames sent back to back at BurstRate; the gap after them makes the
	// average rate equal to Load (RFC 2544 section 21).
	Burst     int  `json:"burst,omitempty"`
	BurstRate Rate `json:"burst_fps,omitempty"`
	// Rest is the time without traffic before the trial (RFC 2544 section 23).
	Rest time.Duration `json:"rest_ns,omitempty"`
	// Networks is the number of destination networks (RFC 2544 section 12).
	Networks int `json:"networks,omitempty"`
	// Window, if above 0, is the largest number of frames in flight: a frame is sent when another one
	// has come back (closed loop). The load is then Flood.
	Window int `json:"window,omitempty"`
	// TagFrom is when the first of at least MinTags tagged frames is sent. The delay of each tagged
	// frame is recorded, and the delay variation of all frames. 0: no tags.
	TagFrom time.Duration `json:"tag_from_ns,omitempty"`
}

// MinTags and MaxTags are the smallest and largest number of tagged frames in a trial, if it has
// that many frames (RFC 8219 section 7.2).
const (
	MinTags = 500
	MaxTags = 1024
)

// Frames returns the number of frames that the trial intends to send; 0 for a flood, which has no
// intended load.
func (t Trial) Frames() uint64 {
	if t.Load.IsFlood() {
		return 0
	}
	if t.Step == 0 {
		return t.Load.Frames(t.Duration)
	}
	return t.Load.Frames(t.StepAt) + t.Step.Frames(t.Duration-t.StepAt)
}

// Tags returns which frames of a trial are tagged: the first one and the distance to the next.
func (t Trial) Tags() (first, every uint64) {
	first = t.Load.Frames(t.TagFrom)
	rest := t.Frames() - min(first, t.Frames())
	every = 1
	for (rest+every-1)/every > MaxTags { // a power of two makes the check for a tag cheap
		every *= 2
	}
	return first, every
}

// Stall is a time in which a core could not run because the machine (a hypervisor, firmware) took
// it away.
type Stall struct {
	At     time.Duration `json:"at_ns"` // since the start of the trial
	Length time.Duration `json:"length_ns"`
	CPU    int           `json:"cpu"`
	Side   string        `json:"side"` // SideTester or SideDUT
}

// The side of a stall.
const (
	SideTester = "tester"
	SideDUT    = "dut"
)

// Distribution summarises a histogram that holds every sample. The extremes
// are exact; a percentile p is the smallest value x with F(x) >= p (RFC 2330
// section 11.3), with the histogram's relative error of at most 1 %.
type Distribution struct {
	N    uint64        `json:"n"`
	Min  time.Duration `json:"min"`
	P50  time.Duration `json:"p50"`
	P90  time.Duration `json:"p90"`
	P99  time.Duration `json:"p99"`
	P999 time.Duration `json:"p999"`
	Max  time.Duration `json:"max"`
}

// Gap is a time without a frame, between two received frames.
type Gap struct {
	At     time.Duration `json:"at_ns"` // since the start of the trial
	Length time.Duration `json:"length_ns"`
}

// Variation summarises the signed differences between the delays of consecutive frames that both
// arrived (RFC 8219 section 7.3.2). The median has the histogram's relative error of at most 1 %;
// the other values are exact.
type Variation struct {
	N      uint64        `json:"n"`
	Min    time.Duration `json:"min"`
	Median time.Duration `json:"median"`
	Max    time.Duration `json:"max"`
}

// TagLost is the delay of a tagged frame that was lost.
const TagLost time.Duration = -1

// Observation is the result of one trial. A nil pointer is a value that could not be measured.
type Observation struct {
	IntendedLoad Rate `json:"intended_fps"`
	Counts
	Duration    time.Duration `json:"duration_ns"` // time spent sending, pauses left out
	Paused      time.Duration `json:"paused_ns"`
	Stalls      []Stall       `json:"stalls"`
	Lateness    *Distribution `json:"lateness_ns"` // of sending, against the schedule; null for a flood
	Drops       Drops         `json:"drops"`       // frames dropped, by kernel counter
	Unexplained int64         `json:"unexplained"` // lost, but not late, corrupted or in a drop counter; negative if the counters show more
	// DropReasons are the kernel's reasons for its drops, if they were asked for. They cover the same
	// frames as Drops.
	DropReasons DropReasons `json:"drop_reasons,omitempty"`
	Valid       bool        `json:"valid"`
	Invalid     Reasons     `json:"invalid,omitempty"` // why it is not valid
	// Clean is the part of the trial that nothing outside of the device disturbed; nil if the engine
	// cannot tell. Disturbed says what disturbed the rest.
	Clean        *Clean        `json:"clean,omitempty"`
	Disturbed    Reasons       `json:"disturbed,omitempty"`
	Warnings     []string      `json:"warnings"` // doubts that do not make the trial invalid
	Latency      *Distribution `json:"latency_ns"`
	LatencyQuiet *Distribution `json:"latency_quiet_ns"` // of frames that no stall delayed
	CPUPerFrame  *float64      `json:"cpu_ns_per_frame"` // all cores, minus the CPU time of the bare wire
	ProcessCPU   *float64      `json:"process_cpu_ns_per_frame"`
	UserCPU      *float64      `json:"user_cpu_ns_per_frame,omitempty"` // the part of the processes' CPU time in user mode; resolution 10 ms per trial
	CoreSpeed    *float64      `json:"core_speed"`                      // speed of the device's slowest core, as a share of that core's full speed
	// OutOfSequence counts frames whose sequence number is not the next one expected, because a frame
	// before them was lost or overtaken (RFC 2544 section 10).
	OutOfSequence uint64 `json:"gaps,omitempty"`
	// LastLost is when the last lost frame was sent, since the start of the trial; nil if no frame was
	// lost.
	LastLost   *time.Duration `json:"last_lost_ns,omitempty"`
	LongestGap *Gap           `json:"silence,omitempty"`
	// For trials with tags: the delay of each tagged frame in the order of sending, and the delay
	// variation of all frames.
	Tags      []time.Duration `json:"tags_ns,omitempty"`
	Variation *Variation      `json:"ipdv_ns,omitempty"`
	// Directions are the counts per direction if both were measured at once. The counts above are then
	// their sums, and the latencies cover all frames.
	Directions []Direction `json:"directions,omitempty"`
}

// Direction holds the counts of one direction.
type Direction struct {
	Direction string `json:"direction"` // Forward or Reverse
	Counts
	Latency      *Distribution `json:"latency_ns"`
	LatencyQuiet *Distribution `json:"latency_quiet_ns"`
}

// The directions: Forward is from port 0 to port 1, left to right.
const (
	Forward = "forward"
	Reverse = "reverse"
	Both    = "both"
)

// ForwardingRate returns the forwarding rate of RFC 2285 section 3.6: received frames per second of
// sending time and direction, whatever was lost.
func (o Observation) ForwardingRate() Rate {
	if o.Duration <= 0 {
		return 0
	}
	return Rate(float64(o.Received) / o.Duration.Seconds() / float64(max(1, len(o.Directions))))
}

// Measurer runs trials; the lab implements it. An invalid Observation may come with a nil error; an
// error means that no trial could be run.
type Measurer interface {
	Measure(ctx context.Context, t Trial) (Observation, error)
}
