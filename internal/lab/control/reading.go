package control

import (
	"math"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Block is the rates of the control and a device at about the same moment, in frames per second.
type Block struct{ Control, Device float64 }

// Interval is a value with what it lies between.
type Interval struct{ Value, Lower, Upper float64 }

// Reading is what a device showed beside the control.
type Reading struct {
	Device dut.Device
	Rate   Interval // closed-loop rate as measured, fps; the bounds are the range that it had
	Normal Interval // the same at the control's nominal speed, with a 95 % interval
	Ratio  Interval // Normal as a share of the control's nominal rate
	Blocks int

	NominalOfRun bool // the nominal rate is the best of this run, since no better one is known
}

// blockTurns is the number of turns in a block: forwards and backwards, so that a machine that
// becomes slower or faster meanwhile favours nobody.
const blockTurns = 2

// blocksOf returns the blocks of a device: of each, the turns in which nothing disturbed it or the
// control. On a busy machine that may be one of the two.
func blocksOf(control, device lab.Turned) (blocks []Block) {
	pair := []lab.Turned{control, device}
	for i := 0; i+blockTurns <= FewestTurns(pair); i += blockTurns {
		var b Block
		n := 0.0
		for j := i; j < i+blockTurns; j++ {
			if AllClean(pair, j) {
				n++
				b.Control += control.Turns[j].Rate()
				b.Device += device.Turns[j].Rate()
			}
		}
		if b.Control > 0 {
			blocks = append(blocks, Block{b.Control / n, b.Device / n})
		}
	}
	return blocks
}

// silentShare: with more than one in so many blocks in which a device forwarded nothing, it has no
// rate that could be compared.
const silentShare = 10

// enoughBlocks is the smallest number of blocks that a reading rests on.
const enoughBlocks = 8

// ReadBlocks returns the reading of a device from the blocks of each bring-up, at the control's nominal
// rate in fps; ok is false if there are too few. known is what is known of the device's slope.
func ReadBlocks(bringUps [][]Block, nominal float64, known Line) (r Reading, ok bool) {
	silent, some := 0, make([][]Block, len(bringUps))
	for i, blocks := range bringUps {
		some[i] = carried(blocks)
		silent += len(blocks) - len(some[i])
	}
	all := slices.Concat(some...)
	if len(all) < enoughBlocks || silent*silentShare > len(all) {
		return r, false
	}
	of := func(b Block) float64 { return b.Device }
	r = Reading{Blocks: len(all), Rate: Interval{mean(all, of), percentile(all, 0.1, of), percentile(all, 0.9, of)}}
	line := lineOf(all).with(known)
	r.Normal = interval(some, func(b Block) float64 { return b.Device * math.Pow(nominal/b.Control, line.Slope) })
	lower, upper := line.doubt(all, nominal)
	r.Normal.Lower, r.Normal.Upper = r.Normal.Lower*lower, r.Normal.Upper*upper
	r.Ratio = Interval{r.Normal.Value / nominal, r.Normal.Lower / nominal, r.Normal.Upper / nominal}
	return r, isFinite(r.Normal) && isFinite(r.Ratio)
}

// isFinite reports whether all numbers are finite: a damaged self-test may have any.
func isFinite(i Interval) bool {
	return !math.IsInf(i.Value+i.Lower+i.Upper, 0) && !math.IsNaN(i.Value+i.Lower+i.Upper)
}

// carried returns the blocks in which the device forwarded something.
func carried(blocks []Block) []Block {
	return slices.DeleteFunc(slices.Clone(blocks), func(b Block) bool { return b.Device <= 0 })
}

// interval returns the typical value with a 95 % interval over all blocks, widened to hold the
// value of every bring-up: a bring-up has a luck of its own.
func interval(bringUps [][]Block, of func(Block) float64) Interval {
	const confidence = 0.95
	var ones, values []*float64
	var each []float64
	for _, blocks := range bringUps {
		var own []float64
		for _, b := range blocks {
			one, v := 1.0, of(b)
			ones, values, own = append(ones, &one), append(values, &v), append(own, v)
		}
		if len(own) > 0 {
			each = append(each, stats.Median(own))
		}
	}
	r, _ := stats.ComparePaired(ones, values, confidence, 1)
	out := Interval{r.Value, r.Lower, r.Upper}
	if len(each) > 1 {
		out.Lower, out.Upper = min(out.Lower, slices.Min(each)), max(out.Upper, slices.Max(each))
	}
	return out
}

func mean(blocks []Block, of func(Block) float64) (sum float64) {
	for _, b := range blocks {
		sum += of(b) / float64(len(blocks))
	}
	return sum
}

func percentile(blocks []Block, p float64, of func(Block) float64) float64 {
	var all []float64
	for _, b := range blocks {
		all = append(all, of(b))
	}
	slices.Sort(all)
	return stats.Percentile(all, p)
}
