package live

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Schema names the version of a campaign's file.
const Schema = "tunnelbench.fuzzlive/1"

// Report is the file of a campaign: the effect of the same mutants on a legitimate flow through each device.
type Report struct {
	Schema    string         `json:"schema"`
	Tool      result.Tool    `json:"tool"`
	Command   []string       `json:"command"`
	Started   time.Time      `json:"started"`
	CPU       string         `json:"cpu"`
	Kernel    string         `json:"kernel"`
	Seed      uint64         `json:"seed"`
	Senders   []string       `json:"senders"`    // as whom the mutants were sent, in turn
	Rate      float64        `json:"attack_fps"` // intended
	FrameSize int            `json:"frame_size"` // bytes of the legitimate flow's frames, with FCS
	Direction string         `json:"direction"`
	Devices   []DeviceReport `json:"devices"`
}

// DeviceReport is the result of one device.
type DeviceReport struct {
	DUT            string  `json:"dut"`
	Protocol       string  `json:"protocol,omitempty"`  // of its datagrams; empty: unknown
	ForwardingRate float64 `json:"forwarding_rate_fps"` // measured before the attack
	Load           float64 `json:"load_fps"`            // of the legitimate flow
	Attacked       string  `json:"attacked_end"`
	Ports          []int   `json:"ports"` // UDP ports that mutants were sent to
	Mutants        string  `json:"mutants"`
	Sender         string  `json:"sender"`       // what sent the mutants: the engine or a socket
	First          uint64  `json:"first_mutant"` // number in the seed's stream
	Next           uint64  `json:"next_mutant"`  // the number after the last one sent
	Sent           Traffic `json:"sent"`
	Unknown        Traffic `json:"sent_as_stranger"`           // the part sent from the unknown source
	Answers        Traffic `json:"answers_to_stranger"`        // to the unknown source, all but ICMP
	Cookies        Traffic `json:"cookie_replies_to_stranger"` // the part of Answers that are WireGuard's cookie replies
	ICMP           Traffic `json:"icmp_to_stranger"`
	Tolerance      float64 `json:"loss_tolerance"` // added to the highest quiet loss
	Quiet          Band    `json:"quiet"`
	Attack         Band    `json:"attack"`
	Memory         *Memory `json:"memory"` // null: the device has no processes
	// Deaths counts processes of the device that ended by themselves; StderrTail is the end of the last one's stderr.
	Deaths     int    `json:"deaths"`
	StderrTail string `json:"last_words"`
	// Counters are the device's own, by side, over the attacked trials. Only the reference tunnel
	// reports them.
	Counters map[string]map[string]int64 `json:"counters"`
	Findings []Finding                   `json:"findings"`
	Notes    []string                    `json:"notes"`
	Trials   []Trial                     `json:"trials"`
	// Error is why there is no verdict; Unsupported why the device cannot run on this machine.
	Error       string `json:"error"`
	Unsupported string `json:"unsupported"`
}

// Traffic is a number of frames and their bytes, Ethernet header included.
type Traffic struct {
	Frames uint64 `json:"frames"`
	Bytes  uint64 `json:"octets"`
}

func (t Traffic) plus(o Traffic) Traffic { return Traffic{t.Frames + o.Frames, t.Bytes + o.Bytes} }

func (t Traffic) minus(o Traffic) Traffic { return Traffic{t.Frames - o.Frames, t.Bytes - o.Bytes} }

// Per returns the bytes of t divided by the bytes of o, or 0 if o has none.
func (t Traffic) Per(o Traffic) float64 {
	if o.Bytes == 0 {
		return 0
	}
	return float64(t.Bytes) / float64(o.Bytes)
}

// Band sums up the valid trials of one kind, quiet or attacked.
type Band struct {
	Trials     int           `json:"trials"`
	LeastLoss  float64       `json:"least_loss_ratio"`
	MedianLoss float64       `json:"median_loss_ratio"`
	MostLoss   float64       `json:"most_loss_ratio"`
	P50        time.Duration `json:"latency_p50_ns"` // medians over the trials
	P99        time.Duration `json:"latency_p99_ns"`
}

// Memory is the memory of the device's processes.
type Memory struct {
	What     string  `json:"what"` // HeapMemory or ResidentMemory
	Before   int64   `json:"before_octets"`
	After    int64   `json:"after_octets"`
	Growth   int64   `json:"growth_octets"`              // the part attributed to the attack
	Quiet    float64 `json:"quiet_octets_per_second"`    // the steepest quiet trial's growth
	Attacked float64 `json:"attacked_octets_per_second"` // the median growth of attacked trials
}

// What a Memory counts.
const (
	HeapMemory     = "live heap"
	ResidentMemory = "resident memory"
)

// The kinds of findings.
const (
	FindLoss   = "loss"   // the legitimate flow loses frames under attack
	FindLasts  = "lasts"  // the loss remains after the attack
	FindGrowth = "memory" // memory grows with the attack
	FindAnswer = "answer" // the unknown source gets answers
	FindDeath  = "death"  // a process of the device ended
)

// Finding is a fault of the device.
type Finding struct {
	Kind string `json:"kind"`
	Seen string `json:"seen"` // one line
}

// Trial is one trial of a campaign.
type Trial struct {
	Attacked bool            `json:"attacked"`
	Valid    bool            `json:"valid"`
	Invalid  rfc2544.Reasons `json:"invalid"` // why it is not valid
	Warnings []string        `json:"warnings"`
	Duration time.Duration   `json:"duration_ns"`
	Offered  uint64          `json:"offered"`
	Lost     uint64          `json:"lost"`
	Injected uint64          `json:"injected"` // frames out of the tunnel that the tester had not sent
	P50      time.Duration   `json:"latency_p50_ns"`
	P99      time.Duration   `json:"latency_p99_ns"`
	First    uint64          `json:"first_mutant"`
	Sent     Traffic         `json:"sent"`
	Unknown  Traffic         `json:"sent_as_stranger"`
	Repeats  uint64          `json:"repeats"` // how often the loaded mutants were sent again from the first
	Answers  Traffic         `json:"answers_to_stranger"`
	Cookies  Traffic         `json:"cookie_replies_to_stranger"`
	ICMP     Traffic         `json:"icmp_to_stranger"`
	Memory   int64           `json:"memory_octets"` // after the trial; 0 when it is not known
	Grown    int64           `json:"memory_growth_octets"`
	// Clean is the part of the trial that nothing outside of the device disturbed; nil: nobody knows.
	// Disturbed says what disturbed the rest, and Taken which share of its time a core was away; nil: nobody knows.
	Clean     *rfc2544.Clean  `json:"clean,omitempty"`
	Disturbed rfc2544.Reasons `json:"disturbed,omitempty"`
	Taken     *float64        `json:"taken_ratio,omitempty"`
}

// LossRatio returns the share of offered frames that were lost.
func (t Trial) LossRatio() float64 {
	if t.Offered == 0 {
		return 0
	}
	return float64(t.Lost) / float64(t.Offered)
}

// Marshal returns the report as JSON.
func (r *Report) Marshal() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("live campaign: %w", err)
	}
	return append(text, '\n'), nil
}
