package rfc2544

import (
	"context"
	"time"
)

// Trial is one measurement's input: one frame size at one load for one time
// (RFC 2544 section 23; RFC 9971 "Trial Input"). All else (Traffic; flows,
// direction, seed) is the traffic profile and stays the same during a search.
type Trial struct {
	Size     FrameSize     `json:"frame_size"`
	Load     Rate          `json:"load_fps"` // per direction; Flood for no schedule
	Duration time.Duration `json:"duration_ns"`
	Traffic
}

// Traffic is what tells a test's trials from evenly spaced frames of the run's
// own flows, which its zero value stands for.
type Traffic struct {
	// Step is the load from StepAt on (RFC 2544 section 26.5).
	Step   Rate          `json:"step_fps,omitempty"`
	StepAt time.Duration `json:"step_at_ns,omitempty"`
	// Burst frames follow one another at BurstRate, then comes a gap that makes
	// Load of the whole (RFC 2544 section 21).
	Burst     int  `json:"burst,omitempty"`
	BurstRate Rate `json:"burst_fps,omitempty"`
	// Rest is how long nothing is sent before the trial (RFC 2544 section 23).
	Rest time.Duration `json:"rest_ns,omitempty"`
	// Networks is how many the destinations are spread over (RFC 2544 section 12).
	Networks int `json:"networks,omitempty"`
	// TagFrom is when the first of at least MinTags tagged frames is sent: their
	// delays are told one by one, and the delay variation of all frames. 0: none.
	TagFrom time.Duration `json:"tag_from_ns,omitempty"`
}

// MinTags is how many frames of a trial are tagged at least, and MaxTags at
// most, where it has as many (RFC 8219 section 7.2).
const (
	MinTags = 500
	MaxTags = 1024
)

// Frames is the number of frames the trial intends to send; 0 for a flood,
// which intends what it offers.
func (t Trial) Frames() uint64 {
	if t.Load.IsFlood() {
		return 0
	}
	if t.Step == 0 {
		return t.Load.Frames(t.Duration)
	}
	return t.Load.Frames(t.StepAt) + t.Step.Frames(t.Duration-t.StepAt)
}

// Tags are the frames that a trial tags: the first and then every so many.
func (t Trial) Tags() (first, every uint64) {
	first = t.Load.Frames(t.TagFrom)
	rest := t.Frames() - min(first, t.Frames())
	every = 1
	for (rest+every-1)/every > MaxTags { // a power of two: telling a tag from another frame is cheap
		every *= 2
	}
	return first, every
}

// Stall is time that the machine took away from a core during a trial.
type Stall struct {
	At     time.Duration `json:"at_ns"` // since the start of the trial
	Length time.Duration `json:"length_ns"`
	CPU    int           `json:"cpu"`
	Side   string        `json:"side"` // SideTester or SideDUT
}

// The two sides a stall can be on.
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

// Gap is a time in which no frame arrived, between two that did.
type Gap struct {
	At     time.Duration `json:"at_ns"` // since the start of the trial
	Length time.Duration `json:"length_ns"`
}

// Variation summarises the differences between the delays of each two frames
// sent one behind the other that both arrived, signed (RFC 8219 section 7.3.2).
// The median has a histogram's relative error of at most 1 %, the rest is exact.
type Variation struct {
	N      uint64        `json:"n"`
	Min    time.Duration `json:"min"`
	Median time.Duration `json:"median"`
	Max    time.Duration `json:"max"`
}

// TagLost stands for the delay of a tagged frame that never came.
const TagLost time.Duration = -1

// Observation is what one trial showed. A nil pointer is a value that could not
// be measured.
type Observation struct {
	IntendedLoad Rate `json:"intended_fps"`
	Counts
	Duration    time.Duration `json:"duration_ns"` // time spent sending, pauses left out
	Paused      time.Duration `json:"paused_ns"`
	Stalls      []Stall       `json:"stalls"`
	Lateness    *Distribution `json:"lateness_ns"` // of sending, against the schedule; null for a flood
	Drops       Drops         `json:"drops"`       // where frames were dropped, as far as counters tell
	Unexplained int64         `json:"unexplained"` // lost, but neither late nor corrupted nor seen by a counter; negative if counters saw more
	// DropReasons are the kernel's own for what it dropped, by place: another view of
	// the drops, where it was asked for.
	DropReasons  DropReasons   `json:"drop_reasons,omitempty"`
	Valid        bool          `json:"valid"`
	Invalid      Reasons       `json:"invalid,omitempty"` // why it is not valid
	Warnings     []string      `json:"warnings"`          // doubts about a trial that counts all the same
	Latency      *Distribution `json:"latency_ns"`
	LatencyQuiet *Distribution `json:"latency_quiet_ns"` // frames whose way no stall touched
	CPUPerFrame  *float64      `json:"cpu_ns_per_frame"` // all cores, minus what the bare wire costs
	ProcessCPU   *float64      `json:"process_cpu_ns_per_frame"`
	UserCPU      *float64      `json:"user_cpu_ns_per_frame,omitempty"` // of the processes', in user mode, in steps of 10 ms a trial
	CoreSpeed    *float64      `json:"core_speed"`                      // of the device's slowest core, as a share of its fastest
	// OutOfSequence counts the frames that arrived in place of an earlier one, lost or
	// overtaken (RFC 2544 section 10).
	OutOfSequence uint64 `json:"gaps,omitempty"`
	// LastLost is when the last of the frames that never came was sent, since
	// the start of the trial; nil when all came.
	LastLost   *time.Duration `json:"last_lost_ns,omitempty"`
	LongestGap *Gap           `json:"silence,omitempty"`
	// Of trials with tags: each one's delay in the order of sending, and how
	// the delays of all frames differ.
	Tags      []time.Duration `json:"tags_ns,omitempty"`
	Variation *Variation      `json:"ipdv_ns,omitempty"`
	// Directions are the counts of each direction, when both were measured at
	// once; the counts above are then their sums, and the latencies of all frames.
	Directions []Direction `json:"directions,omitempty"`
}

// Direction is what became of the frames of one direction.
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

// ForwardingRate is RFC 2285 section 3.6: frames that came out, per second of
// sending and direction. It says nothing of loss.
func (o Observation) ForwardingRate() Rate {
	if o.Duration <= 0 {
		return 0
	}
	return Rate(float64(o.Received) / o.Duration.Seconds() / float64(max(1, len(o.Directions))))
}

// Measurer runs trials: the whole boundary between the procedures and the lab.
// An Observation that is not Valid may be returned with a nil error; an error
// means that no trial could be run.
type Measurer interface {
	Measure(ctx context.Context, t Trial) (Observation, error)
}
