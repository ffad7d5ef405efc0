package result_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A file of schema /1 has no conditions, and only the shortfalls that its trials show. Written
// again, it is a file of the current schema.
func TestReadVersion1(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/version1.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := result.Read(bytes.NewReader(data), "version1.json")
	if err != nil {
		t.Fatal(err)
	}
	if r.Recorded() || r.Schema != result.Schema1 {
		t.Errorf("schema %s, conditions %+v", r.Schema, r.Conditions)
	}
	want := [][]rfc2544.Shortfall{
		{{What: rfc2544.TrialDuration, Got: "200ms", Asked: "1m0s", Section: "RFC 2544 section 24"}},
		{{What: rfc2544.TrialDuration, Got: "1s", Asked: "2m0s", Section: "RFC 2544 section 26.2"}},
	}
	var got [][]rfc2544.Shortfall
	for _, res := range r.Results {
		got = append(got, res.Shortfalls)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shortfalls (-want +got):\n%s", diff)
	}
	first := r.Results[0].Trials[0]
	if first.Drops.At("left socket buffer") != 44436 || first.Drops.Sum() != 44436+12696 || first.Unexplained != 6348 {
		t.Errorf("drops %+v, %d unexplained", first.Drops, first.Unexplained)
	}
	again, err := result.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := result.Read(bytes.NewReader(again), "again.json")
	if err != nil {
		t.Fatal(err)
	}
	r.Schema = result.Schema
	if diff := cmp.Diff(result.Normal(r), back); diff != "" {
		t.Errorf("written again (-read +again):\n%s", diff)
	}
}
