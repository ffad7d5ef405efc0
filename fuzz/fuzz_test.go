package fuzz

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports"
)

func FuzzHeader(f *testing.F) {
	files, err := filepath.Glob("header/corpus/*")
	if err != nil || len(files) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { Header(data) })
}

// resultsSeeds are whole files, and pieces that a reader stumbles over.
func resultsSeeds(t testing.TB) [][]byte {
	empty, err := reports.Encode(&reports.Results{Started: time.Unix(1, 0).UTC(), Ended: time.Unix(2, 0).UTC()})
	if err != nil {
		t.Fatal(err)
	}
	small, err := os.ReadFile("../reports/testdata/small.json")
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{
		empty, small, nil, []byte("null"), []byte(`{"schema":"tunnelbench.results/2"}`),
		[]byte(strings.Repeat("[", 10000)), []byte(`{"seed":` + strings.Repeat("9", 10000)),
		bytes.Replace(empty, []byte(`"command": []`), []byte(`"command": [`+strings.Repeat(`"",`, 998)+`""]`), 1),
	}
}

func FuzzResults(f *testing.F) {
	for _, seed := range resultsSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, data []byte) { Results(data) })
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"load_fps":1000,"duration_s":1,"effective_duration_s":1.5,"loss_ratio":0.005}`))
	f.Add([]byte("{\"load_fps\":1e-300,\"duration_s\":1e9,\"loss_ratio\":1}\n\n{\"load_fps\":5,\"duration_s\":1e-9,\"loss_ratio\":0}"))
	f.Add([]byte(`{"load_fps":[[[[[[`))
	f.Fuzz(func(_ *testing.T, data []byte) { Replay(data) })
}

// TestSeedsAreAccepted: oracles 4 and 5 need accepted input to bite on.
func TestSeedsAreAccepted(t *testing.T) {
	seeds := resultsSeeds(t)
	for _, i := range []int{0, 1, len(seeds) - 1} {
		if _, err := readResults(seeds[i]); err != nil {
			t.Errorf("results seed %d: %v", i, err)
		}
	}
	accepted := 0
	files, err := filepath.Glob("header/corpus/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		accepted += Header(data)
	}
	if accepted < 2 {
		t.Errorf("%d of the header's corpus are accepted, want 2 or more", accepted)
	}
}

// TestEveryListGrows: the run of the fuzzer that each list's slope gets.
func TestEveryListGrows(t *testing.T) {
	r, err := readResults(resultsSeeds(t)[1])
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
