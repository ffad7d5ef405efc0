package result

import (
	"fmt"
	"math"
	"strconv"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Comparison is the result of `ab`: devices measured alternately, in rounds.
type Comparison struct {
	Devices    []string          `json:"devices"` // the first one is the reference
	FrameSize  rfc2544.FrameSize `json:"frame_size"`
	Direction  string            `json:"direction"`
	Overload   rfc2544.Rate      `json:"overload_fps"` // offered to every device for the forwarding rate
	Light      rfc2544.Rate      `json:"light_fps"`    // offered to every device for latency and CPU time
	Rounds     int               `json:"rounds"`
	Confidence float64           `json:"confidence"` // joint confidence of all intervals
	Order      [][]int           `json:"order"`      // order of the devices in each round
	Metrics    []Metric          `json:"metrics"`
	Warnings   []string          `json:"warnings"`
	Kinds      []string          `json:"kinds,omitempty"`    // by device: one of the Kind constants; empty in old files
	Seals      []string          `json:"seals,omitempty"`    // by device: the cipher, as a program of the user says
	LeftOut    []LeftOut         `json:"left_out,omitempty"` // devices that were not measured to the end
}

// LeftOut is a device that failed again and again, or cannot run here. What was measured of it before
// stands.
type LeftOut struct {
	Device      string `json:"device"`
	Round       int    `json:"round"` // the last round that it was in; 0: it was in none
	Why         string `json:"why"`
	Unsupported bool   `json:"unsupported"` // this machine cannot run it
}

// Metric holds the samples of one metric, for every device and round.
type Metric struct {
	Name    string       `json:"name"`
	Unit    string       `json:"unit"`
	Better  int          `json:"better"`  // see Value.Better
	Samples [][]*float64 `json:"samples"` // by device and round; null: no valid trial
	Ratios  []Ratio      `json:"ratios"`  // other devices relative to the first, if there are enough pairs
}

// Ratio compares a device with the first one.
type Ratio struct {
	Device  string  `json:"device"`
	Value   float64 `json:"value"` // device divided by first device
	Lower   float64 `json:"lower"`
	Upper   float64 `json:"upper"`
	Pairs   int     `json:"pairs"`
	Verdict string  `json:"verdict"` // VerdictBetter, VerdictWorse or VerdictNone
}

// The possible verdicts on a ratio.
const (
	VerdictBetter = "better"
	VerdictWorse  = "worse"
	VerdictNone   = "none" // no significant difference
)

// EachConfidence returns the confidence of a single interval, so that all intervals hold jointly
// with c.Confidence.
func (c *Comparison) EachConfidence() float64 {
	return 1 - (1-c.Confidence)/float64(max(1, len(c.Metrics)*(len(c.Devices)-1)))
}

// VerdictOf returns the verdict for an interval of a ratio. More is better if better is 1, less if
// it is -1.
func VerdictOf(lower, upper float64, better int) string {
	switch {
	case lower > 1 == (better > 0) && (lower > 1 || upper < 1):
		return VerdictBetter
	case lower > 1 || upper < 1:
		return VerdictWorse
	}
	return VerdictNone
}

// Words returns the verdict as a sentence.
func (r Ratio) Words() string {
	if r.Verdict == VerdictNone {
		return fmt.Sprintf("no difference shown; one of up to %s cannot be excluded", percentOff(farther(r)))
	}
	return fmt.Sprintf("%s by %s (%s to %s)", r.Verdict, percentOff(r.Value), percentOff(nearer(r)), percentOff(farther(r)))
}

// Unseen returns the largest difference in percent that the interval still allows.
func (r Ratio) Unseen() float64 { return 100 * math.Abs(farther(r)-1) }

func nearer(r Ratio) float64 {
	if math.Abs(math.Log(r.Lower)) < math.Abs(math.Log(r.Upper)) {
		return r.Lower
	}
	return r.Upper
}

func farther(r Ratio) float64 {
	if nearer(r) == r.Lower {
		return r.Upper
	}
	return r.Lower
}

func percentOff(ratio float64) string {
	return strconv.FormatFloat(100*math.Abs(ratio-1), 'f', 1, 64) + " %"
}
