package lab

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/reports"
)

// maxGrowth is the memory that an attack may cost, in octets.
const maxGrowth = 1 << 20

// judgeAttack sums the trials up and says what should not be.
func judgeAttack(d *reports.LiveDevice) {
	d.Quiet, d.Under = band(d.Trials, false), band(d.Trials, true)
	judgeLoss(d)
	judgeMemory(d)
	find := func(kind, format string, args ...any) {
		d.Findings = append(d.Findings, reports.LiveFinding{Kind: kind, Seen: fmt.Sprintf(format, args...)})
	}
	if d.Answers.Frames > 0 {
		find(reports.LiveAnswer, "%d frames of %d octets went to the stranger, who had sent %d of %d octets",
			d.Answers.Frames, d.Answers.Octets, d.Strange.Frames, d.Strange.Octets)
	}
	if d.Deaths > 0 {
		find(reports.LiveDeath, "%s", d.LastWords)
	}
	if len(d.Findings) == 0 && d.Error == "" && (d.Quiet.Trials < attackPairs || d.Under.Trials < attackPairs) {
		d.Error = fmt.Sprintf("%d quiet and %d attacked trials were valid: want %d of each", d.Quiet.Trials, d.Under.Trials, attackPairs)
	}
}

// losses are those of the valid trials of one kind, in their order.
func losses(trials []reports.LiveTrial, attacked bool) (ratios []float64) {
	for _, t := range trials {
		if t.Valid && t.Attacked == attacked {
			ratios = append(ratios, t.LossRatio())
		}
	}
	return ratios
}

func band(trials []reports.LiveTrial, attacked bool) (b reports.LiveBand) {
	ratios := losses(trials, attacked)
	if b.Trials = len(ratios); b.Trials == 0 {
		return b
	}
	var p50, p99 []float64
	for _, t := range trials {
		if t.Valid && t.Attacked == attacked {
			p50, p99 = append(p50, float64(t.P50)), append(p99, float64(t.P99))
		}
	}
	b.LeastLoss, b.MedianLoss, b.MostLoss = slices.Min(ratios), stats.Median(ratios), slices.Max(ratios)
	b.P50, b.P99 = time.Duration(stats.Median(p50)), time.Duration(stats.Median(p99))
	return b
}

// judgeLoss compares the attacked trials with the band of the quiet ones. When the
// damage stays, the quiet trials after the first attack are no measure any more: what
// they lose is a finding of its own, and the ones before are the band.
func judgeLoss(d *reports.LiveDevice) {
	if d.Quiet.Trials == 0 || d.Under.Trials == 0 {
		return
	}
	first := slices.IndexFunc(d.Trials, func(t reports.LiveTrial) bool { return t.Attacked })
	before, after := losses(d.Trials[:first], false), losses(d.Trials[first:], false)
	most := d.Quiet.MostLoss
	if len(before) > 0 && len(after) > 0 && stats.Median(after) > slices.Max(before)+d.Tolerance && stats.Median(after) > lasting {
		most = slices.Max(before)
		d.Findings = append(d.Findings, reports.LiveFinding{Kind: reports.LiveLasts, Seen: fmt.Sprintf(
			"quiet trials after the attack began lose %.3g %% of the frames, those before it %.3g %% at most", 100*stats.Median(after), 100*most)})
	}
	if d.Under.MedianLoss > most+d.Tolerance {
		d.Findings = append(d.Findings, reports.LiveFinding{Kind: reports.LiveLoss, Seen: fmt.Sprintf(
			"%.3g %% of the legitimate frames are lost under attack (median of %d trials), in quiet trials %.3g %% at most; the tolerance is %.3g points",
			100*d.Under.MedianLoss, d.Under.Trials, 100*most, 100*d.Tolerance)})
	}
}

// lasting is the loss of quiet trials from which on it is worth a word.
const lasting = 0.02

// judgeMemory lays growth to the attack. A live heap is exact: what it has grown by
// in attacked trials is theirs. Resident memory grows in steps of an allocator, so
// the median of the attacked trials' slopes is held against the steepest quiet one.
func judgeMemory(d *reports.LiveDevice) {
	m := d.Memory
	if m == nil {
		return
	}
	m.After = m.Before
	m.Quiet = math.Inf(-1)
	var slopes []float64
	var attacked time.Duration
	var grown int64
	for _, t := range d.Trials {
		if t.Memory == 0 || t.Duration <= 0 {
			continue
		}
		m.After = t.Memory
		slope := float64(t.Grown) / t.Duration.Seconds()
		if !t.Attacked {
			m.Quiet = max(m.Quiet, slope)
			continue
		}
		slopes, attacked, grown = append(slopes, slope), attacked+t.Duration, grown+t.Grown
	}
	m.Attacked, m.Quiet = stats.Median(slopes), max(m.Quiet, 0)
	m.Growth = min(grown, m.After-m.Before) // what quiet trials give back was not kept
	if m.What == reports.LiveResident {
		m.Growth = int64((m.Attacked - m.Quiet) * attacked.Seconds())
	}
	if m.Growth > maxGrowth {
		d.Findings = append(d.Findings, reports.LiveFinding{Kind: reports.LiveGrowth, Seen: fmt.Sprintf(
			"the %s grew by %.1f MiB by the attack, %.0f octets a mutant; more than 1 MiB is too much",
			m.What, float64(m.Growth)/(1<<20), float64(m.Growth)/float64(max(1, d.Sent.Frames)))})
	}
}
