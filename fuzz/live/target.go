package live

import (
	"context"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Target is a running tunnel with a legitimate flow through it and an attacker on the link between its
// ends. An error that wraps lab.ErrDied means that a process of the tunnel ended.
type Target interface {
	// Attacker returns what is attacked and how.
	Attacker() Attacker
	// ForwardingRate measures how many frames a second the tunnel forwards; 0: none.
	ForwardingRate(ctx context.Context, size rfc2544.FrameSize) (rfc2544.Rate, error)
	// Trial runs one trial. If the tunnel dies in it, Trial returns the error and the results so far.
	Trial(ctx context.Context, p TrialPlan) (Seen, error)
	// Memory returns the memory of the tunnel's processes. An error that wraps os.ErrDeadlineExceeded means
	// that the tunnel was too busy to answer.
	Memory() (MemoryReading, error)
	Close() error
}

// Open brings a device up as a Target.
type Open func(ctx context.Context, d dut.Device, p Plan) (Target, error)

// Attacker describes what is attacked and how mutants are sent.
type Attacker struct {
	Path   mutate.Path
	End    string   // the node that is attacked
	Sender string   // what sends the mutants: the engine or a socket
	Notes  []string // for the reader of the report
}

// TrialPlan is a trial of the legitimate flow, with or without mutants beside it.
type TrialPlan struct {
	rfc2544.Trial
	Attacked bool
	First    uint64 // number of the first mutant
}

// Seen is the result of a trial.
type Seen struct {
	Flow     rfc2544.Observation // of the legitimate flow
	Injected uint64              // frames out of the tunnel that the tester had not sent
	Taken    *float64            // share of the trial in which others had one of the cores; nil: nobody knows
	Mutants  Sent
	Answers  Traffic // to the unknown source, all but ICMP
	Cookies  Traffic // the part of Answers that are WireGuard's cookie replies
	ICMP     Traffic
}

// Sent is what the attacker sent in a trial.
type Sent struct {
	All, Unknown Traffic // Unknown: from the unknown source
	Repeats      uint64  // how often the loaded mutants were sent again from the first
	Used         uint64  // numbers of the stream that are used up
}

// MemoryReading is the memory of a tunnel's processes at one moment.
type MemoryReading struct {
	What     string // HeapMemory or ResidentMemory; empty: the tunnel has no processes
	Bytes    int64
	Counters map[string]map[string]uint64 // the tunnel's own counters, by side; nil: it has none
}
