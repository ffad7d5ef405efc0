package control

import (
	"math"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Known is what earlier measurements on this machine showed of the control and of devices beside it.
type Known struct {
	Nominal float64         // rate of the control when the machine is fast, fps; 0: not known
	Lines   map[string]Line // by the spec of the device
}

// KnownFrom returns what a self-test knows of the control at a frame size. It was measured with one
// flow forward over the bare network: for other traffic nothing is known.
func KnownFrom(c *result.Certificate, s lab.Settings, control string, size rfc2544.FrameSize) Known {
	s = s.Resolved()
	plain := s.Direction == rfc2544.Forward && !s.IPv6 && s.Flows == 1 && s.Networks == 1 && s.WAN == "" && !s.PlainWAN
	if c == nil || !plain || c.Engine != s.Engine {
		return Known{}
	}
	for _, speed := range c.Speeds {
		if speed.Control != control || speed.FrameSize != size {
			continue
		}
		k := Known{Nominal: speed.Nominal, Lines: map[string]Line{}}
		for _, f := range speed.Followers {
			k.Lines[f.Device] = Line{f.Slope, f.Weight}
		}
		return k
	}
	return Known{}
}

// Speed returns what a series has shown of the control and the devices beside it; ok is false if too
// little was undisturbed.
func (s *Series) Speed() (speed result.Speed, ok bool) {
	if len(s.devices) == 0 {
		return speed, false
	}
	control := s.devices[0].Spec
	blocks := slices.Concat(s.blocks[control]...)
	if len(blocks) < enoughBlocks {
		return speed, false
	}
	speed = result.Speed{Control: control, FrameSize: s.size, Nominal: best(blocks)}
	for _, d := range s.devices[1:] {
		if l := lineOf(carried(slices.Concat(s.blocks[d.Spec]...))); l.Weight > 0 {
			speed.Followers = append(speed.Followers, result.Follower{Device: d.Spec, Slope: l.Slope, Weight: l.Weight})
		}
	}
	return speed, true
}

// NominalRate returns the control's nominal rate: the known one, unless this run's best is clearly above
// it; then ofRun is true.
func (k Known) NominalRate(blocks []Block) (rate float64, ofRun bool) {
	const clearly = 1.05
	best := best(blocks)
	if best > clearly*k.Nominal {
		return best, true
	}
	return k.Nominal, false
}

// best returns the control's rate when the machine was fast, in fps; 0 without blocks.
func best(blocks []Block) float64 {
	if len(blocks) == 0 {
		return 0
	}
	return percentile(blocks, 0.9, func(b Block) float64 { return b.Control })
}

// Usual returns the control's median rate, in fps; 0 without blocks. Where many devices are compared it is a better nominal
// rate than the best one: most were measured beside it, whatever their slopes.
func Usual(blocks []Block) float64 {
	if len(blocks) == 0 {
		return 0
	}
	return percentile(blocks, 0.5, func(b Block) float64 { return b.Control })
}

// Line is how a device follows the control's speed: its rate is proportional to the control's, to
// the power of the slope. With 1 it follows fully, with 0 not at all.
type Line struct {
	Slope float64
	// Weight is how much the control's speed moved while the slope was measured: the sum of the squared
	// deviations of its rate's logarithm. 0: nothing is known.
	Weight float64
}

// Itself is how the control follows its own speed.
var Itself = Line{Slope: 1, Weight: math.MaxFloat32}

// still is the standard deviation of the logarithm of the control's rate below which the control's
// speed did not move: what is left is noise, and says nothing of a slope.
const still = 0.03

// lineOf returns the least-squares line through the logarithms of all blocks; the zero value if the
// control's speed did not move.
func lineOf(blocks []Block) Line {
	var c, d float64
	n := float64(len(blocks))
	for _, b := range blocks {
		c += math.Log(b.Control) / n
		d += math.Log(b.Device) / n
	}
	var cc, cd float64
	for _, b := range blocks {
		cc += (math.Log(b.Control) - c) * (math.Log(b.Control) - c)
		cd += (math.Log(b.Control) - c) * (math.Log(b.Device) - d)
	}
	if math.Sqrt(cc/n) < still {
		return Line{}
	}
	return Line{Slope: cd / cc, Weight: cc}
}

// LineOf returns the line of a device by its blocks; the zero value if the control's speed did not move.
func LineOf(bringUps [][]Block) Line { return lineOf(carried(slices.Concat(bringUps...))) }

// Expected returns what the lines of other devices let expect of one of which nothing is known: their median slope. The zero
// value: nothing is known of them either.
func Expected(others []Line) Line {
	// The slopes of tunnels differ by 0.15 (standard deviation of 68 at 64 bytes, median 0.24). With this weight, and blocks that
	// scatter by 3 %, doubt is as wide.
	const weight = (0.03 / 0.15) * (0.03 / 0.15)
	var slopes []float64
	for _, l := range others {
		if l.Weight > 0 {
			slopes = append(slopes, l.Slope)
		}
	}
	if len(slopes) == 0 {
		return Line{}
	}
	return Line{Slope: stats.Median(slopes), Weight: weight}
}

// with returns the common line of two measurements, as if all of their blocks had been fitted with
// one slope. A device of which nothing is known is taken to follow fully. Slopes below 0 and above
// mostSlope are noise.
func (l Line) with(o Line) Line {
	const mostSlope = 1.5
	sum := Line{Slope: 1, Weight: l.Weight + o.Weight}
	if sum.Weight > 0 {
		sum.Slope = (l.Slope*l.Weight + o.Slope*o.Weight) / sum.Weight
	}
	sum.Slope = min(max(sum.Slope, 0), mostSlope)
	return sum
}

// doubt returns the factors by which a normal rate may be lower and higher because the slope is not
// known exactly: the farther the control's rate was from the nominal one, the more. Where nothing is
// known of the slope, it may be anything from 0 to 1.
func (l Line) doubt(blocks []Block, nominal float64) (lower, upper float64) {
	const confidence = 1.96 // standard errors
	far, rest := 0.0, 0.0
	for _, b := range blocks {
		far += math.Log(nominal/b.Control) / float64(len(blocks))
		rest += math.Log(b.Device) - l.Slope*math.Log(b.Control)
	}
	rest /= float64(len(blocks))
	if l.Weight == 0 {
		return min(1, math.Exp(-far)), max(1, math.Exp(-far))
	}
	var sum float64
	for _, b := range blocks {
		off := math.Log(b.Device) - l.Slope*math.Log(b.Control) - rest
		sum += off * off
	}
	by := math.Exp(confidence * math.Abs(far) * math.Sqrt(sum/float64(len(blocks))/l.Weight))
	return 1 / by, by
}
