package main

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/ci/gate"
)

func write(t *testing.T, runs []study) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aa.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, r := range runs {
		if err := json.NewEncoder(f).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// On a steady machine no difference passes and a slowdown of a tenth fails, whether more or less is
// better.
func TestResampled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for id, better := range map[string]int{"forwarding_rate/64": 1, "latency_p50/64": -1} {
		s := study{Gate: gate.Report{Metrics: []gate.Metric{{ID: id, Unit: "x", Better: better}}}}
		for range 16 {
			s.Base, s.Head = append(s.Base, 100*math.Exp(0.01*random.NormFloat64())), append(s.Head, 100*math.Exp(0.01*random.NormFloat64()))
		}
		runs, err := read(write(t, []study{s, s}))
		if err != nil {
			t.Fatal(err)
		}
		p, err := policyOf(id)
		if err != nil {
			t.Fatal(err)
		}
		for slowdown, want := range map[float64]string{0: gate.Pass, 0.15: gate.Fail} {
			for range 20 {
				if g, err := resampled(p, runs, &s.Gate.Metrics[0], slowdown, random); err != nil || g.Verdict != want {
					t.Errorf("%s slower by %v: %s %v", id, slowdown, g.Verdict, err)
				}
			}
		}
	}
}

func TestBadStudies(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	uneven := write(t, []study{{Base: []float64{1}, Head: []float64{1, 2}}})
	none := write(t, []study{{Base: []float64{1}, Head: []float64{1}}})
	for path, why := range map[string]string{"/nosuch": "/nosuch", empty: "is empty", uneven: "1 values of the base, 2", none: "has no"} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			if err := run(path, "forwarding_rate/64", 0, 1, 1); err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v", why, err)
			}
		})
	}
	if err := run(none, "nothing", 0, 1, 1); err == nil || !strings.Contains(err.Error(), "each once") {
		t.Error(err)
	}
}
