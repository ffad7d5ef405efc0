package reports

import (
	"encoding/json"
	"fmt"
	"time"
)

// FuzzLiveSchema names the version of the file of a live campaign.
const FuzzLiveSchema = "tunnelbench.fuzzlive/1"

// FuzzLive is a campaign against tunnels that are up: the same seeded mutants
// for each, while the tester watches what a legitimate flow suffers.
type FuzzLive struct {
	Schema    string       `json:"schema"`
	Tool      Tool         `json:"tool"`
	Command   []string     `json:"command"`
	Started   time.Time    `json:"started"`
	CPU       string       `json:"cpu"`
	Kernel    string       `json:"kernel"`
	Seed      uint64       `json:"seed"`
	Senders   []string     `json:"senders"`    // as whom the mutants came, by turns
	Rate      float64      `json:"attack_fps"` // intended
	FrameSize int          `json:"frame_size"` // of the legitimate flow, with FCS
	Direction string       `json:"direction"`
	Devices   []LiveDevice `json:"devices"`
}

// LiveDevice is what one device showed.
type LiveDevice struct {
	DUT            string      `json:"dut"`
	ForwardingRate float64     `json:"forwarding_rate_fps"` // found in this run
	Load           float64     `json:"load_fps"`            // of the legitimate flow
	Attacked       string      `json:"attacked_end"`
	Ports          []int       `json:"ports"` // of the attacked end, that mutants went to
	Mutants        string      `json:"mutants"`
	Sender         string      `json:"sender"`       // what put them onto the link
	First          uint64      `json:"first_mutant"` // of the seed's stream
	Next           uint64      `json:"next_mutant"`  // behind the last one sent
	Sent           Traffic     `json:"sent"`
	Strange        Traffic     `json:"sent_as_stranger"`
	Answers        Traffic     `json:"answers_to_stranger"` // by the tunnel: all but ICMP
	ICMP           Traffic     `json:"icmp_to_stranger"`
	Tolerance      float64     `json:"loss_tolerance"` // on top of the quiet band
	Quiet          LiveBand    `json:"quiet"`
	Under          LiveBand    `json:"attack"`
	Memory         *LiveMemory `json:"memory"` // null: the device has no processes
	// Deaths is how often a process of the device ended by itself, with its LastWords.
	Deaths    int    `json:"deaths"`
	LastWords string `json:"last_words"`
	// Counters are the device's own, by side, over the attacked trials; only
	// the reference tunnel tells them.
	Counters map[string]map[string]int64 `json:"counters"`
	Findings []LiveFinding               `json:"findings"`
	Notes    []string                    `json:"notes"`
	Trials   []LiveTrial                 `json:"trials"`
	// Error is why there is no verdict; Unsupported that the device cannot be
	// brought up here.
	Error       string `json:"error"`
	Unsupported string `json:"unsupported"`
}

// Traffic is a number of frames and their octets, Ethernet header included.
type Traffic struct {
	Frames uint64 `json:"frames"`
	Octets uint64 `json:"octets"`
}

// Per is how many octets there were for one of o's; 0 when o has none.
func (t Traffic) Per(o Traffic) float64 {
	if o.Octets == 0 {
		return 0
	}
	return float64(t.Octets) / float64(o.Octets)
}

// LiveBand is what the legitimate flow showed in the valid trials of one kind.
type LiveBand struct {
	Trials     int           `json:"trials"`
	LeastLoss  float64       `json:"least_loss_ratio"`
	MedianLoss float64       `json:"median_loss_ratio"`
	MostLoss   float64       `json:"most_loss_ratio"`
	P50        time.Duration `json:"latency_p50_ns"` // medians of the trials
	P99        time.Duration `json:"latency_p99_ns"`
}

// LiveMemory is what the device's processes held.
type LiveMemory struct {
	What     string  `json:"what"` // LiveHeap or LiveResident
	Before   int64   `json:"before_octets"`
	After    int64   `json:"after_octets"`
	Growth   int64   `json:"growth_octets"`              // that is laid to the attack
	Quiet    float64 `json:"quiet_octets_per_second"`    // the most of all quiet trials
	Attacked float64 `json:"attacked_octets_per_second"` // the median attacked trial's
}

// What a LiveMemory counts.
const (
	LiveHeap     = "live heap"
	LiveResident = "resident memory"
)

// The kinds of findings.
const (
	LiveLoss   = "loss"   // of the legitimate flow, under attack
	LiveLasts  = "lasts"  // loss that stays when the attack is over
	LiveGrowth = "memory" // that the attack made the device take
	LiveAnswer = "answer" // to a stranger
	LiveDeath  = "death"  // of a process of the device
)

// LiveFinding is something that should not be.
type LiveFinding struct {
	Kind string `json:"kind"`
	Seen string `json:"seen"` // one line
}

// LiveTrial is one trial of a campaign.
type LiveTrial struct {
	Attacked bool          `json:"attacked"`
	Valid    bool          `json:"valid"`
	Warnings []string      `json:"warnings"`
	Duration time.Duration `json:"duration_ns"`
	Offered  uint64        `json:"offered"`
	Lost     uint64        `json:"lost"`
	Injected uint64        `json:"injected"` // frames that came out of the tunnel and that the tester had not sent
	P50      time.Duration `json:"latency_p50_ns"`
	P99      time.Duration `json:"latency_p99_ns"`
	First    uint64        `json:"first_mutant"`
	Sent     Traffic       `json:"sent"`
	Strange  Traffic       `json:"sent_as_stranger"`
	Repeats  uint64        `json:"repeats"` // times that the mutants began again
	Answers  Traffic       `json:"answers_to_stranger"`
	ICMP     Traffic       `json:"icmp_to_stranger"`
	Memory   int64         `json:"memory_octets"` // after it; 0 where nobody knows
	Grown    int64         `json:"memory_growth_octets"`
}

// LossRatio is the share of offered frames that were lost.
func (t LiveTrial) LossRatio() float64 {
	if t.Offered == 0 {
		return 0
	}
	return float64(t.Lost) / float64(t.Offered)
}

// MarshalFuzzLive is the file of a campaign.
func MarshalFuzzLive(c *FuzzLive) ([]byte, error) {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("live campaign: %w", err)
	}
	return append(text, '\n'), nil
}
