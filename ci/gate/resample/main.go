// Command resample simulates thousands of gates to find how often they are wrong. It draws pairs
// from recorded A/A runs (a revision compared with itself), keeps the bias of each run, slows the
// head down by a given amount and lets gate.Judge decide.
//
//	go run ./ci/gate/resample --metric forwarding_rate/64 --slowdown 0.05 docs/study/aa.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func main() {
	metric := flag.String("metric", "forwarding_rate/64", "the study's `metric`")
	slowdown := flag.Float64("slowdown", 0, "`share` by which the head is slower than it was")
	gates := flag.Int("gates", 2000, "`number` of gates")
	seed := flag.Uint64("seed", 1, "`number` that every draw follows from")
	flag.Parse()
	if err := run(flag.Arg(0), *metric, *slowdown, *gates, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "resample:", err)
		os.Exit(2)
	}
}

// study is one recorded A/A run.
type study struct {
	Base []float64   `json:"base"`
	Head []float64   `json:"head"`
	Gate gate.Report `json:"gate"`
}

// policyOf returns this build's policy with one metric. The recorded studies have the forwarding
// rate, which later policies do not measure.
func policyOf(id string) (gate.Policy, error) {
	policy, err := gate.ParsePolicy(gate.DefaultPolicy(), "the policy of this build")
	if err != nil {
		return policy, err
	}
	policy.Metrics = append(policy.Metrics, gate.PolicyMetric{Name: "forwarding_rate", FrameSize: 64, Limit: policy.Metrics[0].Limit})
	if policy, err = policy.Only([]string{id}); err != nil {
		return policy, fmt.Errorf("--metric %s: %w", id, err)
	}
	return policy, nil
}

func run(path, id string, slowdown float64, gates int, seed uint64) error {
	runs, err := read(path)
	if err != nil {
		return err
	}
	policy, err := policyOf(id)
	if err != nil {
		return err
	}
	m := runs[0].Gate.Metric(id)
	if m == nil {
		return fmt.Errorf("%s: has no %s", path, id)
	}
	random := rand.New(rand.NewPCG(seed, uint64(gates)))
	verdicts := map[string]int{}
	for range gates {
		g, err := resampled(policy, runs, m, slowdown, random)
		if err != nil {
			return err
		}
		verdicts[g.Verdict]++
	}
	fmt.Printf("%s: %d gates drawn from %d runs, the head slower by %.3g %%:", id, gates, len(runs), 100*slowdown)
	for _, v := range []string{gate.Pass, gate.Fail, gate.Inconclusive, gate.Environment} {
		fmt.Printf(" %s %.2f %%", v, 100*float64(verdicts[v])/float64(gates))
	}
	fmt.Println()
	return nil
}

func read(path string) (runs []study, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s study
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, len(runs)+1, err)
		}
		if len(s.Base) != len(s.Head) || len(s.Base) == 0 {
			return nil, fmt.Errorf("%s:%d: %d values of the base, %d of the head", path, len(runs)+1, len(s.Base), len(s.Head))
		}
		runs = append(runs, s)
	}
	if len(runs) == 0 {
		return nil, errors.Join(lines.Err(), fmt.Errorf("%s: is empty", path))
	}
	return runs, lines.Err()
}

// resampled simulates one gate. Each series draws its pairs from one randomly chosen run, so that
// the series has the bias of that run. It also draws which side of the run plays the head.
func resampled(p gate.Policy, runs []study, m *gate.Metric, slowdown float64, random *rand.Rand) (gate.Report, error) {
	base, head := sides(m)
	var source study
	series := 0
	for {
		j, err := gate.Judge(p, base, head)
		if err != nil || j.Pairs == 0 {
			return j.Report, err
		}
		if j.Series != series {
			series, source = j.Series, runs[random.IntN(len(runs))]
			if random.IntN(2) == 1 {
				source.Base, source.Head = source.Head, source.Base
			}
		}
		for pair := 1 + measured(head, series); pair <= j.Pairs; pair++ {
			i, first := random.IntN(len(source.Base)), 1+random.IntN(2)
			b, h := source.Base[i], source.Head[i]*math.Pow(1-slowdown, float64(m.Better))
			base.Turns = append(base.Turns, gate.Turn{Series: series, Pair: pair, Place: first, Values: map[string]*float64{m.ID: &b}})
			head.Turns = append(head.Turns, gate.Turn{Series: series, Pair: pair, Place: 3 - first, Values: map[string]*float64{m.ID: &h}})
		}
	}
}

func measured(s *gate.Set, series int) (pairs int) {
	for _, t := range s.Turns {
		if t.Series == series {
			pairs++
		}
	}
	return pairs
}

// sides returns two empty sets with one metric.
func sides(m *gate.Metric) (base, head *gate.Set) {
	name, size, _ := strings.Cut(m.ID, "/")
	octets, _ := strconv.Atoi(size) // 0 if the metric has no size
	metrics := []gate.SetMetric{{Name: name, Unit: m.Unit, Better: m.Better, FrameSize: rfc2544.FrameSize(octets)}}
	return &gate.Set{Side: gate.BaseSide, Metrics: metrics}, &gate.Set{Side: gate.HeadSide, Metrics: metrics}
}
