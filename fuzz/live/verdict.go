package live

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
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
	if d.Answers.Frames > 0 && !d.answersByRule() {
		find(FindAnswer, "%d frames of %d bytes went to the unknown source, %d of them cookie replies; it had sent %d of %d bytes",
			d.Answers.Frames, d.Answers.Bytes, d.Cookies.Frames, d.Unknown.Frames, d.Unknown.Bytes)
	}
	if d.Deaths > 0 {
		find(FindDeath, "%s", d.StderrTail)
	}
	if len(d.Findings) == 0 && d.Error == "" && (d.Quiet.Trials < minPairs || d.Attack.Trials < minPairs) {
		d.Error = fmt.Sprintf("%d quiet and %d attacked trials were valid: want %d of each", d.Quiet.Trials, d.Attack.Trials, minPairs)
	}
}

// answersByRule reports whether the answers are such as WireGuard owes to whoever knows its public key: under load a
// cookie reply for a handshake message, so never more frames or bytes than came in (Donenfeld, "WireGuard", section 5.3).
// A response is owed to nobody here: the only genuine initiation that mutants repeat has arrived before the attack.
func (d *DeviceReport) answersByRule() bool {
	return d.Protocol == mutate.WireGuard.String() && d.Cookies == d.Answers &&
		d.Answers.Frames <= d.Unknown.Frames && d.Answers.Bytes <= d.Unknown.Bytes
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
// trials before it are the reference. There is no verdict on loss that may be the machine's.
func (d *DeviceReport) classifyLoss() {
	if d.Quiet.Trials == 0 || d.Attack.Trials == 0 {
		return
	}
	first := slices.IndexFunc(d.Trials, func(t Trial) bool { return t.Attacked })
	before, after := lossOf(d.Trials[:first], false), lossOf(d.Trials[first:], false)
	quiet, attacked := lossOf(d.Trials, false), lossOf(d.Trials, true)
	if after.above(before, d.Tolerance) && stats.Median(after.all) > lasting {
		quiet = before
		likewise := slices.Max(before.away(0)) >= likeShare*stats.Median(after.away(1))
		d.blame(FindLasts, after, before, fmt.Sprintf("quiet trials after the attack began lose %.3g %% of the frames, those before it %.3g %% at most",
			100*stats.Median(after.all), 100*slices.Max(before.all)), likewise)
	}
	if attacked.above(quiet, d.Tolerance) {
		beyond := d.Attack.MedianLoss > slices.Max(quiet.all)+d.Tolerance+stats.Median(attacked.away(1))
		d.blame(FindLoss, attacked, quiet, fmt.Sprintf(
			"%.3g %% of the legitimate frames are lost under attack (median of %d trials), in quiet trials %.3g %% at most; the tolerance is %.3g points",
			100*d.Attack.MedianLoss, d.Attack.Trials, 100*slices.Max(quiet.all), 100*d.Tolerance), beyond)
	}
}

// likeShare is how much of a core's time earlier trials must have lacked, as a share of what later ones
// lacked, for the machine to be the same to both.
const likeShare = 0.8

// blame adds a finding if the loss stands in clean time too, or is more than the machine explains: earlier
// trials without loss were disturbed as much, or more was lost than the share of time for which a core was
// away. Otherwise it says why there is no verdict.
func (d *DeviceReport) blame(kind string, lost, earlier lossRatios, seen string, unexplained bool) {
	if unexplained || lost.standsClean(earlier, d.Tolerance) {
		d.Findings = append(d.Findings, Finding{Kind: kind, Seen: seen})
		return
	}
	why := fmt.Sprintf("%s; but the machine was disturbed, which may have caused it (%s): end other programs, or give others cores by --dut-cpus, and attack again", seen, cmp.Or(lost.why, earlier.why))
	if d.Error != "" {
		why = d.Error + "; " + why
	}
	d.Error = why
}

// lossRatios are the loss ratios of the valid trials of one kind, in order of time.
type lossRatios struct {
	all   []float64
	clean []float64  // over the clean time; without trials that have too little of it
	taken []*float64 // share of the time for which a core was away; nil: nobody knows
	why   string     // what disturbed the last trial that was disturbed
}

func lossOf(trials []Trial, attacked bool) (l lossRatios) {
	l.all = losses(trials, attacked)
	for _, t := range trials {
		if !t.Valid || t.Attacked != attacked {
			continue
		}
		l.taken = append(l.taken, t.Taken)
		if ratio, known := t.cleanLoss(); known {
			l.clean = append(l.clean, ratio)
		}
		if len(t.Disturbed) > 0 {
			l.why = t.Disturbed.String()
		}
	}
	return l
}

// away returns the shares of time for which a core was away, with a value for those that nobody knows.
func (l lossRatios) away(unknown float64) (shares []float64) {
	for _, known := range l.taken {
		if known == nil {
			known = &unknown
		}
		shares = append(shares, *known)
	}
	return shares
}

// leastClean is the share of a trial's frames that has to be sent in clean time, to judge by that alone.
const leastClean = 0.1

// cleanLoss returns the loss ratio over the time in which nothing outside of the device disturbed it.
func (t Trial) cleanLoss() (ratio float64, known bool) {
	switch {
	case len(t.Disturbed) == 0:
		return t.LossRatio(), true
	case t.Clean == nil || float64(t.Clean.Offered) < leastClean*float64(t.Offered):
		return 0, false
	}
	return t.Clean.LossRatio(), true
}

// above reports whether the median is above the highest of earlier trials, by more than the tolerance.
func (l lossRatios) above(earlier lossRatios, tolerance float64) bool {
	return rises(earlier.all, l.all, tolerance)
}

// standsClean reports whether that holds in clean time too, which most trials must have.
func (l lossRatios) standsClean(earlier lossRatios, tolerance float64) bool {
	reference := earlier.clean
	if len(reference) == 0 {
		reference = earlier.all
	}
	return 2*len(l.clean) > len(l.all) && rises(reference, l.clean, tolerance)
}

func rises(before, after []float64, tolerance float64) bool {
	return len(before) > 0 && len(after) > 0 && stats.Median(after) > slices.Max(before)+tolerance
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
