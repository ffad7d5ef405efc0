// Package waterfall has what a trace of frames says: where in a device a frame spends its time, and
// where it is lost. It shows it as text, as a page and for viewers of timelines.
//
//	tester > left lan > left tb0 > read > left wan > right wan > read > right tb0 > right lan > tester
//	       '--hop--'
package waterfall

import (
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Schema names the format of trace.json.
const Schema = "tunnelbench.trace/1"

// Trace is what the frames of one trial did. Times and latencies are in ns.
type Trace struct {
	Schema   string      `json:"schema"`
	Tool     result.Tool `json:"tool"`
	CPU      string      `json:"cpu"`
	Kernel   string      `json:"kernel"`
	Command  []string    `json:"command"`
	Started  time.Time   `json:"started"`
	Device   string      `json:"device"`
	Size     int         `json:"size_bytes"`
	Load     float64     `json:"load_fps"` // per direction; infinite is 0
	Duration float64     `json:"duration_s"`
	Every    int         `json:"every"` // one frame in so many is followed
	Streams  []Stream    `json:"streams"`
	Threads  []Threads   `json:"threads"`
	Cost     *Cost       `json:"cost,omitempty"`                // absent: not measured
	Missing  []string    `json:"missing_tracepoints,omitempty"` // that the kernel has not: what they tell is absent
	Warnings []string    `json:"warnings"`
}

// Kind is how a frame is seen at a point.
type Kind string

// The kinds of points. A frame is seen as it comes in at an interface or goes out of it, or as a process
// reads it from there. The first and the last point are the tester's.
const (
	Sent  Kind = "sent"
	In    Kind = "in"
	Out   Kind = "out"
	Read  Kind = "read"
	Taken Kind = "taken"
)

// Point is a place where frames are seen.
type Point struct {
	Node      string `json:"node"`
	Interface string `json:"interface"`
	Kind      Kind   `json:"kind"`
	Device    string `json:"device,omitempty"` // what the interface is: veth, tun, vxlan
}

// String returns the point in the words of tables.
func (p Point) String() string {
	switch p.Kind {
	case Sent:
		return p.Node + " sends"
	case Taken:
		return p.Node + " receives"
	case Read:
		return p.Node + " reads " + p.Interface
	}
	return p.Node + " " + p.Interface + " " + string(p.Kind)
}

// Spread says how long something took.
type Spread struct {
	Least int64   `json:"min"`
	P50   int64   `json:"p50"`
	P90   int64   `json:"p90"`
	P99   int64   `json:"p99"`
	Most  int64   `json:"max"`
	Mean  float64 `json:"mean"`
}

// Work is what happens between two points.
type Work string

// The kinds of work.
const (
	Link    Work = "link"              // from one node to another
	Kernel  Work = "kernel"            // within a node
	Queue   Work = "queue"             // until the process reads it
	Process Work = "process"           // from the process's read on
	Unseen  Work = "queue and process" // of a process that is not seen reading
)

// Unknown is the reason of a loss that the kernel does not know of: a process dropped the frame, or a ring of a
// driver was full.
const Unknown = "not the kernel's stack"

// DropsTracepoint is the tracepoint that tells why frames are lost.
const DropsTracepoint = "skb:kfree_skb"

// NotKnown is the reason of a loss on a kernel without that.
const NotKnown = "not known"

// KnowsDrops reports whether the trace knows why frames were lost.
func (t *Trace) KnowsDrops() bool { return !slices.Contains(t.Missing, DropsTracepoint) }

// Reason is why frames were lost.
type Reason struct {
	Name   string `json:"name"`
	Frames int    `json:"frames"`
}

// Hop is the way between two points.
type Hop struct {
	From     Point    `json:"from"`
	To       Point    `json:"to"`
	Work     Work     `json:"work"`
	Inferred bool     `json:"inferred"` // by order and counter: the frame is sealed at one of its ends
	Frames   int      `json:"frames"`   // of which both ends are known
	Time     Spread   `json:"time_ns"`
	AtP50    float64  `json:"at_p50_ns"` // mean of the frames around the p50 from end to end, which were seen at all points
	AtP99    float64  `json:"at_p99_ns"` // of those around the p99
	Share    float64  `json:"share"`     // of the mean time from end to end
	Waiting  float64  `json:"waiting_frames"`
	Most     int      `json:"waiting_most_frames"`
	Lost     int      `json:"lost_frames"` // of the followed ones
	Reasons  []Reason `json:"reasons"`
}

// Pass is a frame's time at a point, in ns since it was sent.
type Pass struct {
	Point    int   `json:"point"` // of the stream's points
	At       int64 `json:"at_ns"`
	Inferred bool  `json:"inferred,omitempty"`
}

// Why a frame was picked.
const (
	Usual     = "a usual frame"
	Tail      = "a frame at the 99th percentile"
	Slowest   = "one of the slowest"
	Dropped   = "lost"
	Overtaken = "overtaken"
)

// Picked is a frame that is worth a look.
type Picked struct {
	Why      string `json:"why"`
	Sequence uint32 `json:"sequence"`
	Sent     int64  `json:"sent_ns"` // since the first frame of the trace
	Passes   []Pass `json:"passes"`
	Lost     string `json:"lost,omitempty"` // the kernel's reason, or unknown
}

// Stream is the traffic of one direction.
type Stream struct {
	Direction string   `json:"direction"`
	Offered   uint64   `json:"offered_frames"`
	Received  uint64   `json:"received_frames"`
	Followed  int      `json:"followed_frames"`
	Complete  int      `json:"complete_frames"`  // delivered, and seen at all points
	Delivered int      `json:"delivered_frames"` // of the followed ones
	OneWay    Spread   `json:"one_way_ns"`       // of the followed ones
	Tester    int64    `json:"tester_p50_ns"`    // the tester's own median, over all frames
	Points    []Point  `json:"points"`
	Hops      []Hop    `json:"hops"`
	Picked    []Picked `json:"picked"`
}

// NeverSeen adds the frames that should have been followed, but were seen nowhere: they were lost in the first hop.
func (s *Stream) NeverSeen(expected int) {
	n := expected - s.Followed
	if n <= 0 || len(s.Hops) == 0 {
		return
	}
	s.Followed = expected
	first := &s.Hops[0]
	first.Lost += n
	for i := range first.Reasons {
		if first.Reasons[i].Name == Unknown {
			first.Reasons[i].Frames += n
			return
		}
	}
	first.Reasons = append(first.Reasons, Reason{Unknown, n})
}

// SumOfMedians is the sum of the hops' medians, in ns. It is less than the median from end to end where times vary much.
func (s Stream) SumOfMedians() (sum int64) {
	for _, h := range s.Hops {
		sum += h.Time.P50
	}
	return sum
}

// SumAtP50 is the sum of the hops of the frames around the median, in ns: the median from end to end, in parts.
func (s Stream) SumAtP50() (sum float64) {
	for _, h := range s.Hops {
		sum += h.AtP50
	}
	return sum
}

// Threads says how long the device's threads on one side waited for a core, and how long they ran.
type Threads struct {
	Node      string  `json:"node"`
	Wakeups   uint64  `json:"wakeups"`
	Preempted uint64  `json:"preempted"`
	Wait50    int64   `json:"wait_p50_ns"`
	Wait99    int64   `json:"wait_p99_ns"`
	RunNs     float64 `json:"run_ns_per_frame"`
}

// Cost is what tracing costs: medians of trials with it and without it, in turns.
type Cost struct {
	Rounds int        `json:"rounds"`
	P50    [2]int64   `json:"p50_ns"`            // without, with
	Rate   [2]float64 `json:"rate_fps,omitzero"` // of a closed loop; absent: it had more events than there was room for
}

// SpreadOf returns the spread of times, which it sorts. Of none it is zero.
func SpreadOf(times []int64) (s Spread) {
	if len(times) == 0 {
		return s
	}
	slices.Sort(times)
	sum := 0.0
	for _, t := range times {
		sum += float64(t)
	}
	at := func(share float64) int64 { return times[Rank(share, len(times))] }
	return Spread{Least: times[0], P50: at(0.5), P90: at(0.9), P99: at(0.99), Most: times[len(times)-1], Mean: sum / float64(len(times))}
}

// Rank returns the index of a quantile among n > 0 sorted values, by the nearest rank.
func Rank(share float64, n int) int {
	const rounding = 1e-9
	return max(0, int(math.Ceil(share*float64(n)-rounding))-1)
}
