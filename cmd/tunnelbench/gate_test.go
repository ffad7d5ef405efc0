package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

const rate64 = "closed_loop_rate/64"

// recordedGate is a recorded gate of one metric: the pairs of both series and the head's slowdown
// as a share.
type recordedGate struct {
	first, second int // number of pairs in each series
	slower        float64
	baseDies      int // number of turns in which the base died
	headDies      int
	spoilt        int // number of pairs whose head's half is not valid
}

// write writes the files of both sides.
func (r recordedGate) write(t *testing.T) (base, head string) {
	t.Helper()
	dir := t.TempDir()
	var sets []*gate.Set
	for i, side := range []string{gate.BaseSide, gate.HeadSide} {
		sets = append(sets, &gate.Set{
			Side: side, Device: "reference", Builds: []gate.Build{{SHA256: strings.Repeat(string('a'+rune(i)), 64), Octets: 1000}},
			Host: result.Host{CPU: "a"}, Started: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC),
			Metrics: []gate.SetMetric{{Name: "closed_loop_rate", Unit: "fps", Better: 1, FrameSize: 64}},
		})
	}
	for series, pairs := range []int{r.first, r.second} {
		for pair := range pairs {
			b := 1e6 + 100*float64(pair%7)
			h := b*(1-r.slower) + 100*float64(pair%5)
			sets[0].Turns = append(sets[0].Turns, turn(series, pair, 1, &b))
			sets[1].Turns = append(sets[1].Turns, turn(series, pair, 2, &h))
		}
	}
	for i, dies := range []int{r.baseDies, r.headDies} {
		for k := range dies {
			sets[i].Turns[k].Died, sets[i].Turns[k].Values[rate64] = "exit status 1", nil
		}
	}
	for k := range r.spoilt {
		sets[1].Turns[k].Values[rate64] = nil
	}
	if err := gate.WriteSets(dir, sets...); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "base.json"), filepath.Join(dir, "head.json")
}

func turn(series, pair, place int, value *float64) gate.Turn {
	return gate.Turn{Series: series + 1, Pair: pair + 1, Place: place, Values: map[string]*float64{rate64: value}}
}

// A recorded gate determines the exit status, the first word on stdout and the files.
func TestGateExitStatus(t *testing.T) {
	for _, c := range []struct {
		name string
		gate recordedGate
		code int
		word string
	}{
		{"as fast", recordedGate{first: 16}, cli.ExitOK, "PASS"},
		{"20 % slower, twice", recordedGate{first: 16, second: 16, slower: 0.2}, cli.ExitFinding, "FAIL"},
		{"20 % slower, not confirmed yet", recordedGate{first: 16, slower: 0.2}, cli.ExitNoVerdict, "INCONCLUSIVE"},
		{"too few pairs", recordedGate{first: 3}, cli.ExitNoVerdict, "INCONCLUSIVE"},
		{"all pairs are spoilt", recordedGate{first: 16, spoilt: 16}, cli.ExitNoVerdict, "INCONCLUSIVE"},
		{"some are, before the time was over", recordedGate{first: 9, spoilt: 5}, cli.ExitNoVerdict, "INCONCLUSIVE"},
		{"few are", recordedGate{first: 16, spoilt: 2}, cli.ExitOK, "PASS"},
		{"the head dies", recordedGate{first: 16, headDies: 2}, cli.ExitFinding, "FAIL"},
		{"the base dies", recordedGate{first: 16, baseDies: 2}, cli.ExitMachine, "NOT MEASURABLE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := c.gate.write(t)
			out := filepath.Join(t.TempDir(), "out")
			history := filepath.Join(t.TempDir(), "history.jsonl")
			code, text, errs := call("", "gate", "--metrics", rate64, "--noise", "/nosuch", "--out", out, "--history", history, base, head)
			word, _, _ := strings.Cut(text, ":")
			if code != c.code || word != c.word {
				t.Errorf("exit %d and %q, want %d and %q: %s", code, word, c.code, c.word, errs)
			}
			checkGateFiles(t, out, history)
		})
	}
}

func checkGateFiles(t *testing.T, out, history string) {
	t.Helper()
	var names []string
	entries, err := os.ReadDir(out)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"gate.json", "gate.junit.xml", "gate.md", "gate.txt"}, names); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if data, err := os.ReadFile(history); err != nil || strings.Count(string(data), "\n") != 1 {
		t.Errorf("history: %q, %v", data, err)
	}
}

func TestGateOfSetsThatAreNoPair(t *testing.T) {
	base, head := recordedGate{first: 16}.write(t)
	code, out, errs := call("", "gate", "--metrics", rate64, "--out", t.TempDir(), head, base)
	if code != cli.ExitUsage || out != "" || !strings.Contains(errs, "give the base's set first") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}
