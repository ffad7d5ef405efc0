package resulttest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden compares got with the file testdata/name and fails the test if they differ.
func Golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the change. got:\n%s", name, strictjson.Short(string(got), 2000))
	}
}

// Validator validates results with an independent JSON Schema implementation.
func Validator(t *testing.T) func([]byte) error { return ValidatorOf(t, result.SchemaJSON()) }

// ValidatorOf returns a function that validates JSON against a published schema.
func ValidatorOf(t *testing.T, published []byte) func([]byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(published))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.AssertContent()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(data []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return err
		}
		return schema.Validate(v)
	}
}

// Encode encodes results and fails the test on an error.
func Encode(t *testing.T, r *result.Results) []byte {
	t.Helper()
	data, err := result.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Small returns a fixture small enough to read its JSON.
func Small() *result.Results {
	r := Fixture()
	r.Results = r.Results[2:4]
	for i := range r.Results {
		r.Results[i].Trials = r.Results[i].Trials[:2]
	}
	r.Calibration = r.Calibration[:1]
	return r
}

// BothWays returns the small fixture measured in both directions at once; every hundredth reverse
// frame is lost.
func BothWays() *result.Results {
	r := Small()
	for i := range r.Results {
		r.Results[i].Direction = rfc2544.Both
		for j := range r.Results[i].Trials {
			old := &r.Results[i].Trials[j]
			o := rfc2544.Observation{IntendedLoad: old.IntendedLoad, Duration: old.Duration, Latency: old.Latency, Valid: true}
			for _, d := range []rfc2544.Direction{
				{Direction: rfc2544.Forward, Counts: rfc2544.Counts{Intended: 1000, Offered: 1000, Received: 1000}, Latency: old.Latency},
				{Direction: rfc2544.Reverse, Counts: rfc2544.Counts{Intended: 1000, Offered: 1000, Received: 990, Lost: 10, Late: 3, Reordered: 2}},
			} {
				o.Add(d.Counts)
				o.Directions = append(o.Directions, d)
			}
			*old = o
		}
	}
	return r
}

// Edit decodes data, changes it and encodes it again.
func Edit(t *testing.T, data []byte, change func(map[string]any)) []byte {
	t.Helper()
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	change(doc)
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Endless is a reader without end.
type Endless struct{}

// Read fills p and never ends.
func (Endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
