package gate

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports"
)

// TestRecordedSets judges what ci/record.sh recorded on a machine that misbehaved: each time the same
// verdict, octet for octet, and never a fail that nobody caused. TB_UPDATE=1 writes the verdicts anew.
func TestRecordedSets(t *testing.T) {
	may := map[string][]string{ // the verdicts that would be right
		"burst": {reports.GatePass, reports.GateInconclusive, reports.GateEnvironment}, "bimodal": {reports.GatePass, reports.GateInconclusive, reports.GateEnvironment},
		"drift": {reports.GatePass, reports.GateInconclusive, reports.GateEnvironment}, "crash": {reports.GateFail},
	}
	for name, right := range may {
		dir := filepath.Join("testdata", "recorded", name)
		var first []byte
		for range 3 {
			j, err := Judge(policy(t, rate64), recorded(t, dir, "base.json"), recorded(t, dir, "head.json"))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(right, j.Gate.Verdict) {
				t.Errorf("%s: %s: %s", name, j.Gate.Verdict, j.Gate.Why)
			}
			got, err := reports.EncodeGate(&j.Gate)
			if err != nil {
				t.Fatal(err)
			}
			if first != nil && !bytes.Equal(first, got) {
				t.Errorf("%s: another verdict the second time", name)
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
			t.Errorf("%s: %v, or another verdict than was recorded", name, err)
		}
	}
}

func recorded(t *testing.T, dir, name string) *reports.Set {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := reports.ReadSet(f, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
