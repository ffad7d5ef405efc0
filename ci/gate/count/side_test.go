package count

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// written returns the file of a side with two layouts.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := side([]float64{20000, 20002}, []float64{100, 100}).WriteFile(dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "base.json")
}

func TestSidesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	got, err := ReadSideFile(t.Context(), written(t))
	if err != nil {
		t.Fatal(err)
	}
	want := side([]float64{20000, 20002}, []float64{100, 100})
	for _, c := range want.Layouts {
		c.Schema = result.CountsSchema
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	resulttest.CheckSchema(t, SideSchemaJSON())
}

func TestBadSides(t *testing.T) {
	t.Parallel()
	for why, edit := range map[string][2]string{
		`/schema: is "tunnelbench.set/1", this program reads "tunnelbench.countside/1"`: {"tunnelbench.countside/1", "tunnelbench.set/1"},
		`/side: is "left", must be one of ["base" "head"]`:                              {`"side": "base"`, `"side": "left"`},
		`/layouts/0: /kernel: is`: {`"kernel": "6.1"`, `"kernel": 7`},
		`/layouts/0/costs/0/instructions_per_frame: 1.7e308 is out of range`: {"20000", "1.7e308"},
		`/layouts/0: /costs/0: "reference" has a value that is no number`:    {"20000", "2e15"},
		`/layouts/0: /calls/0/instructions_per_call: -1 is not above 0`:      {`"instructions_per_call": 100`, `"instructions_per_call": -1`},
		`(whole file): unknown key "more"`:                                   {`"schema"`, `"more": 1, "schema"`},
		`(whole file): has no "device"`:                                      {`"device": "reference",` + "\n \"revision\"", `"revision"`},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			path := written(t)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad := strings.Replace(string(good), edit[0], edit[1], 1)
			if bad == string(good) {
				t.Fatal("nothing was changed")
			}
			if err := os.WriteFile(path, []byte(bad), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadSideFile(t.Context(), path); err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, why)
			}
		})
	}
}
