package behaviour

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// fairness floods the device with many flows of the same rate and asks how evenly it loses their frames.
var fairness = Test{
	Name: "fairness", Doc: "how evenly the frames of many flows get through an overload: Jain's index", Takes: 3 * time.Second,
	Run: func(ctx context.Context, b *Bench) (behaviour.Finding, error) {
		var l loadgen.StreamLedger
		err := b.underLoad(ctx, func(s *lab.Setup) (err error) {
			l, err = run(ctx, s, rfc2544.Trial{Size: loadSize, Load: rfc2544.Flood, Duration: b.loadTime()}, loadFlows)
			return err
		})
		if err != nil {
			return behaviour.Finding{}, err
		}
		return judgeFairness(l), nil
	},
}

// jain returns Jain's index of fairness: 1 if all shares are equal, 1/n if one has everything (R. Jain, D. Chiu,
// W. Hawe: A Quantitative Measure of Fairness, DEC-TR-301, 1984).
func jain(shares []uint64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range shares {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (float64(len(shares)) * squares)
}

// judgeFairness counts what each flow got. No document has a rule.
func judgeFairness(l loadgen.StreamLedger) (f behaviour.Finding) {
	const (
		overload = 0.95 // of the frames that come; of more, the device was not overloaded
		few      = 10   // frames of each flow, below which chance decides
		starving = 0.5  // of the mean
	)
	came := uint64(0)
	for _, n := range l.Flows {
		came += n
	}
	if came < few*uint64(len(l.Flows)) || len(l.Flows) == 0 {
		f.Verdict, f.Why = behaviour.NotMeasured, fmt.Sprintf("%d frames of %d flows came", came, len(l.Flows))
		return f
	}
	f.Verdict = behaviour.None
	f.Note("overloaded", map[bool]string{true: "yes", false: "no"}[float64(came) < overload*float64(l.Offered)])
	mean := float64(came) / float64(len(l.Flows))
	starved := 0
	for _, n := range l.Flows {
		if float64(n) < starving*mean {
			starved++
		}
	}
	n := int(came)
	f.Measured("jain", "index", jain(l.Flows), n)
	f.Measured("least_share", "of the mean", float64(slices.Min(l.Flows))/mean, n)
	f.Measured("most_share", "of the mean", float64(slices.Max(l.Flows))/mean, n)
	f.Measured("starved", "flows", float64(starved), len(l.Flows))
	return f
}
