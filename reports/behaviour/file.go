package behaviour

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

//go:embed schema.json
var schemaJSON []byte

// SchemaJSON returns the JSON Schema (2020-12) of behaviour.json.
func SchemaJSON() []byte { return bytes.Clone(schemaJSON) }

var schema = strictjson.Embedded(schemaJSON, "")

// Read reads an untrusted behaviour.json. The error is one line that begins with name.
func Read(r io.Reader, name string) (*Report, error) {
	report := new(Report)
	if err := schema().Read(r, name, report, report.check); err != nil {
		return nil, err
	}
	return report, nil
}

// Encode returns the file of the report. It returns an error for a report that Read would refuse.
func (r *Report) Encode() ([]byte, error) {
	n := r.normal()
	return schema().Write("behaviour", n, n.check)
}

// normal returns r in the form of the schema: empty lists instead of nil, and no text longer than
// allowed. It does not change r.
func (r *Report) normal() *Report {
	n := *r
	n.Schema, n.Command, n.Tests = Schema, result.Texts(r.Command), result.NotNil(r.Tests)
	n.Devices = make([]Device, len(r.Devices))
	for i, d := range r.Devices {
		n.Devices[i] = Device{Device: d.Device, Findings: Normal(d.Findings)}
	}
	return &n
}

// Normal returns findings in the form of a schema: empty lists instead of nil, and no text longer than allowed.
func Normal(findings []Finding) []Finding {
	out := make([]Finding, len(findings))
	for i, f := range findings {
		f.Why, f.Facts, f.Values = result.Cut(f.Why), result.NotNil(f.Facts), result.NotNil(f.Values)
		out[i] = f
	}
	return out
}

// check finds faults that a schema cannot express: findings that are not those of the tests in their order, and
// verdicts without a reason or a rule.
func (r *Report) check() error {
	if r.Ended.Before(r.Started) {
		return strictjson.At("/ended", "is before /started")
	}
	for i, d := range r.Devices {
		at := fmt.Sprintf("/devices/%d/findings", i)
		if len(d.Findings) != len(r.Tests) {
			return strictjson.At(at, fmt.Sprintf("has %d findings of %d tests", len(d.Findings), len(r.Tests)))
		}
		for j, f := range d.Findings {
			at := fmt.Sprintf("%s/%d", at, j)
			switch {
			case f.Test != r.Tests[j].Name:
				return strictjson.At(at+"/test", "is out of order: the findings go by /tests")
			case f.Why == "" && f.Verdict != Pass && f.Verdict != None:
				return strictjson.At(at+"/why", "has to say why a test did not pass")
			case f.Rule == "" && (f.Verdict == Pass || f.Verdict == Fail):
				return strictjson.At(at+"/rule", "has to name the rule of the verdict")
			}
		}
	}
	return nil
}
