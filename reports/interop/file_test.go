package interop

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// sample returns a report with a cell of each outcome.
func sample() *Report {
	at := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	return &Report{
		Schema: Schema, CPU: "a CPU", Kernel: "6.18", Command: []string{"tunnelbench", "interop"}, Started: at, Ended: at.Add(90 * time.Second),
		Ends: []string{"ours", "theirs"}, Checks: []CheckInfo{{Name: "sizes", Doc: "all sizes"}},
		Cells: []Cell{
			{Left: "ours", Right: "ours", Check: "sizes", Outcome: Passed, Seconds: 1.5},
			{Left: "ours", Right: "theirs", Check: "sizes", Outcome: Failed, Why: "lost 1 of 9 packets"},
			{Left: "theirs", Right: "ours", Check: "sizes", Outcome: Unsupported, Why: "no such program"},
			{Left: "theirs", Right: "theirs", Check: "sizes", Outcome: NoVerdict, Why: "ended by SIGINT"},
		},
	}
}

func encode(t *testing.T, r *Report) []byte {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What is written follows the schema, for an independent reader too, and is read again as it was.
func TestFile(t *testing.T) {
	t.Parallel()
	validate := resulttest.ValidatorOf(t, SchemaJSON())
	long := sample()
	long.Cells[1].Why = strings.Repeat("x", 1<<16)
	for name, r := range map[string]*Report{"sample": sample(), "empty": {}, "a long reason": long} {
		data := encode(t, r)
		if err := validate(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		back, err := Read(bytes.NewReader(data), "interop.json")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(r.normal(), back); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSchemaNeedsEveryKey(t *testing.T) {
	t.Parallel()
	if objects := resulttest.CheckSchema(t, SchemaJSON(), "why"); objects != 4 {
		t.Errorf("%d objects seen, want report, tool, check and cell", objects)
	}
	if !bytes.Contains(SchemaJSON(), []byte(Schema)) {
		t.Error("the schema is of another version")
	}
}

func TestReadRefusesBadFiles(t *testing.T) {
	t.Parallel()
	good := string(encode(t, sample()))
	for _, c := range []struct{ old, new, want string }{
		{"interop/1", "interop/2", "/schema"},
		{`"failed"`, `"perhaps"`, "/cells/1/outcome"},
		{`"why": "lost 1 of 9 packets"`, `"why": ""`, "/cells/1/why"},
		{`"right": "theirs"`, `"right": "ours"`, "/cells/1: is out of order"},
		{`"theirs"` + "\n", `"theirs", "a third"` + "\n", "/cells: has 4 cells, but the ends and checks make 9"},
		{`"ended": "2026`, `"ended": "2025`, "/ended: is before /started"},
		{`"seconds": 1.5`, `"seconds": 1.5, "more": 1`, "more"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%q does not stand in the file", c.old)
		}
		_, err := Read(strings.NewReader(bad), "interop.json")
		if err == nil || !strings.HasPrefix(err.Error(), "interop.json: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q", c.new, err, c.want)
		}
	}
}
