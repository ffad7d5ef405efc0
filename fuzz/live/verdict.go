package live

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// maxGrowth is the memory growth in bytes above which an attack counts as a memory leak.
const maxGrowth = 1 << 20

// classify evaluates the trials and adds the findings.
func (d *DeviceReport) classify() {
	d.Quiet, d.Attack = band(d.Trials, false), band(d.Trials, true)
	d.classifyLoss()
	d.classifyMemory()
	find := func(kind, format string, args ...any) {
		d.Findings = append(d.Findings, Finding{Kind: kind, Seen: fmt.Sprintf(format, args...)})
	}
	if d.Answers.Frames > 0 {
		find(FindAnswer, "%d frames of %d bytes went to the unknown source, which had sent %d of %d bytes",
			d.Answers.Frames, d.Answers.Bytes, d.Unknown.Frames, d.Unknown.Bytes)
	}
	if d.Deaths > 0 {
		find(FindDeath, "%s", d.StderrTail)
	}
	if len(d.Findings) == 0 && d.Error == "" && (d.Quiet.Trials < minPairs || d.Attack.Trials < minPairs) {
		d.Error = fmt.Sprintf("%d quiet and %d attacked trials were valid: want %d of each", d.Quiet.Trials, d.Attack.Trials, minPairs)
	}
}

// losses returns the loss ratios of the valid trials of one kind, in order of time.
func losses(trials []Trial, attacked bool) (ratios []float64) {
	for _, t := range trials {
		if t.Valid && t.Attacked == attacked {
			ratios = append(ratios, t.LossRatio())
		}
	}
	return ratios
}

func band(trials []Trial, attacked bool) (b Band) {
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

// classifyLoss compares the median loss of the attacked trials with the highest loss of the quiet trials.
// If quiet trials lose frames after the attack began, that is a finding of its own; then only the quiet
// trials before it are the reference.
func (d *DeviceReport) classifyLoss() {
	if d.Quiet.Trials == 0 || d.Attack.Trials == 0 {
		return
	}
	first := slices.IndexFunc(d.Trials, func(t Trial) bool { return t.Attacked })
	before, after := losses(d.Trials[:first], false), losses(d.Trials[first:], false)
	most := d.Quiet.MostLoss
	if len(before) > 0 && len(after) > 0 && stats.Median(after) > slices.Max(before)+d.Tolerance && stats.Median(after) > lasting {
		most = slices.Max(before)
		d.Findings = append(d.Findings, Finding{Kind: FindLasts, Seen: fmt.Sprintf(
			"quiet trials after the attack began lose %.3g %% of the frames, those before it %.3g %% at most", 100*stats.Median(after), 100*most)})
	}
	if d.Attack.MedianLoss > most+d.Tolerance {
		d.Findings = append(d.Findings, Finding{Kind: FindLoss, Seen: fmt.Sprintf(
			"%.3g %% of the legitimate frames are lost under attack (median of %d trials), in quiet trials %.3g %% at most; the tolerance is %.3g points",
			100*d.Attack.MedianLoss, d.Attack.Trials, 100*most, 100*d.Tolerance)})
	}
}

// lasting is the loss ratio of quiet trials above which the damage counts as lasting.
const lasting = 0.02

// classifyMemory finds the growth that the attack caused. A live heap is exact: its growth in attacked
// trials is due to the attack. Resident memory grows in steps of the allocator, so the median growth per
// second of the attacked trials is compared with the steepest quiet trial.
func (d *DeviceReport) classifyMemory() {
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
	m.Growth = min(grown, m.After-m.Before) // memory released in quiet trials does not count
	if m.What == ResidentMemory {
		m.Growth = int64((m.Attacked - m.Quiet) * attacked.Seconds())
	}
	if m.Growth > maxGrowth {
		d.Findings = append(d.Findings, Finding{Kind: FindGrowth, Seen: fmt.Sprintf(
			"the %s grew by %.1f MiB by the attack, %.0f bytes a mutant; more than 1 MiB is too much",
			m.What, float64(m.Growth)/(1<<20), float64(m.Growth)/float64(max(1, d.Sent.Frames)))})
	}
}
