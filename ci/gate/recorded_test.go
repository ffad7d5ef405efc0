package gate

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestRecordedSets evaluates sets that ci/record.sh recorded on a disturbed machine. The report
// must be the same, byte for byte, and never a false fail. TB_UPDATE=1 rewrites the reports.
func TestRecordedSets(t *testing.T) {
	t.Parallel()
	may := map[string][]string{ // the correct verdicts
		"burst": {Pass, Inconclusive, Environment}, "bimodal": {Pass, Inconclusive, Environment},
		"drift": {Pass, Inconclusive, Environment}, "crash": {Fail},
	}
	for name, right := range may {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", "recorded", name)
			var first []byte
			for range 3 {
				j, err := Judge(policy(t, rate64), recorded(t, dir, "base.json"), recorded(t, dir, "head.json"))
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(right, j.Report.Verdict) {
					t.Errorf("%s: %s", j.Report.Verdict, j.Report.Why)
				}
				got, err := Encode(&j.Report)
				if err != nil {
					t.Fatal(err)
				}
				if first != nil && !bytes.Equal(first, got) {
					t.Error("another verdict the second time")
				}
				first = got
			}
			golden := filepath.Join(dir, "gate.json")
			if os.Getenv("TB_UPDATE") != "" {
				if err := os.WriteFile(golden, first, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || !bytes.Equal(first, want) {
				t.Errorf("%v, or another verdict than was recorded", err)
			}
		})
	}
}

func recorded(t *testing.T, dir, name string) *Set {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := ReadSet(f, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
