package gate

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// NoiseSchema is the schema version of the file that `gate --aa` extends.
const NoiseSchema = "tunnelbench.noise/1"

// Noise holds the results of A/A runs on one machine: gates that compare a revision with itself.
type Noise struct {
	Schema  string     `json:"schema"`
	Machine string     `json:"machine"`
	Runs    []NoiseRun `json:"runs"`
}

// NoiseRun is one A/A run.
type NoiseRun struct {
	Started time.Time              `json:"started"`
	Device  string                 `json:"device"`
	Commit  string                 `json:"commit"`
	PairNS  time.Duration          `json:"pair_ns"` // duration of a pair
	Metrics map[string]MetricNoise `json:"metrics"`
}

// MetricNoise is the noise of one metric; both values are shares of the base's value.
type MetricNoise struct {
	Bias   float64 `json:"bias"`   // difference of the two sides over the whole run
	Spread float64 `json:"spread"` // standard deviation of the pairs around the bias, estimated from their median deviation
	Pairs  int     `json:"pairs"`
}

// MeasureNoise returns the noise of an A/A run, whose two sides are identical.
func MeasureNoise(base, head *Set, pair time.Duration) NoiseRun {
	run := NoiseRun{Started: head.Started, Device: head.Device, Commit: head.Commit, PairNS: pair, Metrics: map[string]MetricNoise{}}
	for _, m := range head.Metrics {
		b, h := halves(base, head, m.ID(), 1)
		logs := stats.LogRatios(carried(b), carried(h))
		if len(logs) == 0 || names[m.Name].exact {
			continue
		}
		middle := stats.Median(logs)
		deviations := make([]float64, len(logs))
		for i, v := range logs {
			deviations[i] = math.Abs(v - middle)
		}
		const normal = 1.4826 // standard deviation of a normal distribution divided by its median deviation
		run.Metrics[m.ID()] = MetricNoise{Bias: middle, Spread: normal * stats.Median(deviations), Pairs: len(logs)}
	}
	return run
}

// carried returns the values without those of a device that forwarded nothing.
func carried(values []*float64) []*float64 {
	some := slices.Clone(values)
	for i, v := range some {
		if v != nil && silent(*v) {
			some[i] = nil
		}
	}
	return some
}

// Add adds a run of this machine. It drops the runs of another machine and returns their number.
func (n *Noise) Add(h result.Host, run NoiseRun) (forgotten int) {
	if n.Machine != machine(h) {
		forgotten = len(n.Runs)
		*n = Noise{Schema: NoiseSchema, Machine: machine(h)}
	}
	n.Runs = append(n.Runs, run)
	return forgotten
}

// Bias returns the bias of each metric: the root mean square over the runs. It returns nil for
// another machine.
func (n *Noise) Bias(h result.Host) map[string]float64 {
	if n == nil || n.Machine != machine(h) {
		return nil
	}
	squares, runs := map[string]float64{}, map[string]float64{}
	for _, r := range n.Runs {
		for id, m := range r.Metrics {
			squares[id] += m.Bias * m.Bias
			runs[id]++
		}
	}
	bias := map[string]float64{}
	for id := range squares {
		bias[id] = math.Sqrt(squares[id] / runs[id])
	}
	return bias
}

// Visible estimates the slowdown that a look with its number of pairs and this spread finds in nine
// of ten gates.
func (p Policy) Visible(m PolicyMetric, spread float64, look int) float64 {
	const nine, efficiency = 1.2816, 0.955 // 90 % quantile of the normal distribution; efficiency of the signed-rank test relative to the mean
	risk := p.Risk * p.Shares[look] / float64(p.judged())
	se := spread / math.Sqrt(efficiency*float64(p.Looks[look]))
	shown := p.margin(m.ID()) + (math.Sqrt2*math.Erfinv(1-2*risk)+nine)*se
	return max(shown, float64(m.Limit)+nine*se)
}

// mostNoise is more than the logarithm of any ratio of two halves.
const mostNoise = 100

// EncodeNoise returns the noise as a file.
func EncodeNoise(n *Noise) ([]byte, error) {
	data, err := json.MarshalIndent(n, "", " ")
	if err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	return append(data, '\n'), nil
}

// ParseNoise parses a file written by EncodeNoise. The error is one line.
func ParseNoise(data []byte, name string) (*Noise, error) {
	n := new(Noise)
	if err := strictjson.Unmarshal(data, n); err != nil {
		return nil, fmt.Errorf("%s: %w", strictjson.Clean(name), err)
	}
	if n.Schema != NoiseSchema {
		return nil, fmt.Errorf("%s: schema: is %.64q, this program reads %q", name, n.Schema, NoiseSchema)
	}
	for i, r := range n.Runs {
		for id, m := range r.Metrics {
			if !(m.Spread >= 0 && m.Spread <= mostNoise) || !(math.Abs(m.Bias) <= mostNoise) || m.Pairs < 1 {
				return nil, fmt.Errorf("%s: runs/%d/metrics: %.64q is no noise", name, i, id)
			}
		}
	}
	return n, nil
}

// NoiseTable returns a text table of a run's noise and of the slowdowns that a gate on this machine
// would find.
func (p Policy) NoiseTable(r NoiseRun) string {
	t := texttab.New(texttab.Left("metric"), texttab.Right("bias"), texttab.Right("spread"), texttab.Right("pairs"))
	for _, pairs := range p.Looks {
		t.Columns = append(t.Columns, texttab.Right(fmt.Sprintf("%d, %v", pairs, (time.Duration(pairs)*r.PairNS).Round(time.Minute))))
	}
	for _, m := range p.Metrics {
		noise, ok := r.Metrics[m.ID()]
		if !ok {
			continue
		}
		cells := []string{m.ID(), fmt.Sprintf("%+.2f%%", 100*noise.Bias), fmt.Sprintf("%.2f%%", 100*noise.Spread), fmt.Sprint(noise.Pairs)}
		for i := range p.Looks {
			visible := "not judged"
			if !m.Shown {
				visible = fmt.Sprintf("%.1f%%", 100*p.Visible(m, noise.Spread, i))
			}
			cells = append(cells, visible)
		}
		t.Add(cells...)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s against itself (%.12s), %v a pair\n\n", r.Device, r.Commit, r.PairNS.Round(100*time.Millisecond))
	_ = t.Text(&b) // a Builder never fails
	b.WriteString("\nThe last columns: the slowdown that so many pairs, in that time, find about nine times in ten.\n")
	return b.String()
}
