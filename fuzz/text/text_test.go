package text

import (
	"os"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
)

// native makes a target of `go test -fuzz`. OSS-Fuzz builds its programs of the same
// functions, and calls them once for each input: seeds are given to it in another way.
func native(f *testing.F, harness func([]byte) int, seeds func() [][]byte) {
	if testing.Testing() && os.Getenv("TB_FUZZ_SEEDS") != "off" { // a campaign's corpus has those that hold
		for _, seed := range seeds() {
			f.Add(seed)
		}
	}
	attack := oracle.Harness(harness)
	f.Fuzz(func(_ *testing.T, data []byte) { attack(data) })
}

func FuzzConfig(f *testing.F)  { native(f, Config, ConfigSeeds) }
func FuzzResults(f *testing.F) { native(f, Results, ResultsSeeds) }
func FuzzReplay(f *testing.F)  { native(f, Replay, ReplaySeeds) }
func FuzzWords(f *testing.F)   { native(f, Words, WordsSeeds) }
func FuzzOutput(f *testing.F)  { native(f, Output, OutputSeeds) }

// TestSeedsAreAccepted: most oracles need accepted input to bite on.
func TestSeedsAreAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		harness func([]byte) int
		seeds   [][]byte
		least   int
	}{
		"config": {Config, ConfigSeeds(), 2}, "results": {Results, ResultsSeeds(), 3}, "replay": {Replay, ReplaySeeds(), 2},
		"words": {Words, WordsSeeds(), 8}, "output": {Output, OutputSeeds(), 3},
	} {
		accepted := 0
		for _, seed := range c.seeds {
			accepted += c.harness(seed)
		}
		if accepted < c.least {
			t.Errorf("%s: %d seeds are accepted, want %d", name, accepted, c.least)
		}
	}
}

// TestEveryListGrows: the run of the fuzzer that each list's slope gets.
func TestEveryListGrows(t *testing.T) {
	r, err := readResults(smallResults)
	if err != nil {
		t.Fatal(err)
	}
	r.Results[0].Warnings, r.Host.Notes = []string{"a doubt"}, []string{"a note"}
	for i, grow := range growers {
		_, large, ok := grown(r, grow)
		if !ok {
			t.Errorf("list %d does not grow", i)
			continue
		}
		if _, err := readResults(large); err != nil {
			t.Errorf("list %d, grown, is refused: %v", i, err)
		}
		growsEvenly(r, grow)
	}
}
