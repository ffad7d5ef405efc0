package text

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
)

// native runs a harness as a target of `go test -fuzz`. OSS-Fuzz builds its programs from the same
// functions, but calls them once for each input and supplies seeds in another way.
func native(f *testing.F, harness func([]byte) int, seeds func() [][]byte) {
	if testing.Testing() && os.Getenv("TB_FUZZ_SEEDS") != "off" { // a campaign's corpus already has the seeds that pass
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

// TestSeedsAreAccepted: most oracles check only accepted input.
func TestSeedsAreAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		harness func([]byte) int
		seeds   [][]byte
		least   int
	}{
		"config": {Config, ConfigSeeds(), 2}, "results": {Results, ResultsSeeds(), 3}, "replay": {Replay, ReplaySeeds(), 2},
		"words": {Words, WordsSeeds(), 8}, "output": {Output, OutputSeeds(), 3},
	} {
		t.Run(name, func(t *testing.T) {
			accepted := 0
			for _, seed := range c.seeds {
				accepted += c.harness(seed)
			}
			if accepted < c.least {
				t.Errorf("%d seeds are accepted, want %d", accepted, c.least)
			}
		})
	}
}

// TestYAMLGrowsEvenly: the work grows with the size of the file, not with its square. Deep nesting and
// empty entries once had quadratic cost. What is allocated is counted, because it depends on no clock.
func TestYAMLGrowsEvenly(t *testing.T) {
	for _, part := range []string{"[", "- ", "{", "- {id: 1, endpoint: 192.0.2.2:4754, prefixes: [10.0.0.0/8]}\n", "- id: 1\n", "- |\n  x\n", "\n -"} {
		allocated := func(size int) float64 {
			data := []byte("listen: 192.0.2.1:4754\npeers:\n" + strings.Repeat(part, size/len(part)))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			readConfigAndForget(data)
			runtime.ReadMemStats(&after)
			return float64(after.TotalAlloc - before.TotalAlloc)
		}
		const size, growth = 16 << 10, 8
		if small, large := allocated(size), allocated(growth*size); large > 1.5*growth*small {
			t.Errorf("%q: %d times the input allocates %.1f times as much", part, growth, large/small)
		}
	}
	deep := "peers:\n"
	for i := range 400 {
		deep += strings.Repeat(" ", i) + "a:\n"
	}
	if _, err := readConfig([]byte(deep)); err == nil || !strings.Contains(err.Error(), "nested too deep") {
		t.Error(err)
	}
}

// TestEveryListGrows checks the inputs that the slope oracle gets for each list.
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
			t.Errorf("the longer list %d is refused: %v", i, err)
		}
		checkListGrowth(r, grow)
	}
}
