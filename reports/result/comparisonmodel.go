package result

import (
	"fmt"
	"math"
	"strconv"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Comparison is what `ab` found: devices measured in turn, in rounds.
type Comparison struct {
	Devices    []string          `json:"devices"` // the first is what the others are compared with
	FrameSize  rfc2544.FrameSize `json:"frame_size"`
	Direction  string            `json:"direction"`
	Overload   rfc2544.Rate      `json:"overload_fps"` // offered to all for the forwarding rate
	Light      rfc2544.Rate      `json:"light_fps"`    // offered to all for latency and CPU
	Rounds     int               `json:"rounds"`
	Confidence float64           `json:"confidence"` // of all intervals together
	Order      [][]int           `json:"order"`      // per round, in which the devices came
	Metrics    []Metric          `json:"metrics"`
	Warnings   []string          `json:"warnings"`
}

// Metric is one number, of every device in every round.
type Metric struct {
	Name    string       `json:"name"`
	Unit    string       `json:"unit"`
	Better  int          `json:"better"`  // as Value.Better
	Samples [][]*float64 `json:"samples"` // per device and round; null was not valid
	Ratios  []Ratio      `json:"ratios"`  // of each other device to the first, where there are enough pairs
}

// Ratio is how a device compares with the first one.
type Ratio struct {
	Device  string  `json:"device"`
	Value   float64 `json:"value"` // of the device by the first's
	Lower   float64 `json:"lower"`
	Upper   float64 `json:"upper"`
	Pairs   int     `json:"pairs"`
	Verdict string  `json:"verdict"` // VerdictBetter, VerdictWorse or VerdictNone
}

// The verdicts on a ratio.
const (
	VerdictBetter = "better"
	VerdictWorse  = "worse"
	VerdictNone   = "none" // no difference is shown
)

// EachConfidence is the confidence of a single interval: all share the risk.
func (c *Comparison) EachConfidence() float64 {
	return 1 - (1-c.Confidence)/float64(max(1, len(c.Metrics)*(len(c.Devices)-1)))
}

// VerdictOf is what an interval shows of a metric, of which more (1) or less (-1) is better.
func VerdictOf(lower, upper float64, better int) string {
	switch {
	case lower > 1 == (better > 0) && (lower > 1 || upper < 1):
		return VerdictBetter
	case lower > 1 || upper < 1:
		return VerdictWorse
	}
	return VerdictNone
}

// Words are the verdict as a sentence: never more than the interval says.
func (r Ratio) Words() string {
	if r.Verdict == VerdictNone {
		return fmt.Sprintf("no difference shown; one of up to %s cannot be excluded", percentOff(farther(r)))
	}
	return fmt.Sprintf("%s by %s (%s to %s)", r.Verdict, percentOff(r.Value), percentOff(nearer(r)), percentOff(farther(r)))
}

// Unseen is the largest difference that the interval does not exclude, in %: its
// wider side.
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
