package waterfall

import (
	_ "embed"
	"io"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

//go:embed schema.json
var schemaJSON []byte

var schema = strictjson.Embedded(schemaJSON, "")

// Marshal returns the trace as trace.json has it. The error names what does not follow the schema.
func Marshal(t *Trace) ([]byte, error) { return schema().Encode(t) }

// Parse reads a trace.json. The error names the place, as strictjson.Fault.
func Parse(r io.Reader) (*Trace, error) {
	data, err := strictjson.ReadAll(r)
	if err != nil {
		return nil, err
	}
	t := &Trace{}
	if err := schema().Decode(data, t); err != nil {
		return nil, err
	}
	return t, nil
}
