package interop

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

// SchemaJSON returns the JSON Schema (2020-12) of interop.json.
func SchemaJSON() []byte { return bytes.Clone(schemaJSON) }

var schema = strictjson.Embedded(schemaJSON, "")

// Read reads an untrusted interop.json. The error is one line that begins with name.
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
	return schema().Write("interop", n, n.check)
}

// normal returns r in the form of the schema: empty lists instead of nil, and no text longer than
// allowed. It does not change r.
func (r *Report) normal() *Report {
	n := *r
	n.Schema, n.Command, n.Ends, n.Checks = Schema, result.Texts(r.Command), result.NotNil(r.Ends), result.NotNil(r.Checks)
	n.Cells = make([]Cell, len(r.Cells))
	for i, c := range r.Cells {
		c.Why = result.Cut(c.Why)
		n.Cells[i] = c
	}
	return &n
}

// check finds faults that a schema cannot express: cells that are not those of the ends and checks, in their order,
// and reasons that are missing or too many.
func (r *Report) check() error {
	if r.Ended.Before(r.Started) {
		return strictjson.At("/ended", "is before /started")
	}
	if want := len(r.Ends) * len(r.Ends) * len(r.Checks); len(r.Cells) != want {
		return strictjson.At("/cells", fmt.Sprintf("has %d cells, but the ends and checks make %d", len(r.Cells), want))
	}
	for i, c := range r.Cells {
		pair, check := i/len(r.Checks), r.Checks[i%len(r.Checks)].Name
		if c.Left != r.Ends[pair/len(r.Ends)] || c.Right != r.Ends[pair%len(r.Ends)] || c.Check != check {
			return strictjson.At(fmt.Sprintf("/cells/%d", i), "is out of order: the cells go by left end, right end and check")
		}
		if (c.Why == "") != (c.Outcome == Passed) {
			return strictjson.At(fmt.Sprintf("/cells/%d/why", i), "has to say why a cell did not pass, and nothing of one that passed")
		}
	}
	return nil
}
