package waterfall

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

//go:embed schema.json
var schemaJSON []byte

var schema = strictjson.Embedded(schemaJSON, "")

// Marshal returns the trace as trace.json has it. The error names what does not follow the schema.
func Marshal(t *Trace) ([]byte, error) { return schema().Encode(t) }

// Parse reads an untrusted trace.json. The error is one line that begins with name.
func Parse(r io.Reader, name string) (*Trace, error) {
	t := &Trace{}
	if err := schema().Read(r, name, t, t.check); err != nil {
		return nil, err
	}
	return t, nil
}

// check finds faults that a schema cannot express: hops that are not those of the points, and frames that pass points that are
// none, or not in their order.
func (t *Trace) check() error {
	for i, s := range t.Streams {
		if len(s.Hops) != len(s.Points)-1 {
			return strictjson.At(fmt.Sprintf("/streams/%d/hops", i), fmt.Sprintf("has %d hops, but there are %d points", len(s.Hops), len(s.Points)))
		}
		for j, f := range s.Picked {
			last := -1
			for k, p := range f.Passes {
				if p.Point <= last || p.Point >= len(s.Points) {
					return strictjson.At(fmt.Sprintf("/streams/%d/picked/%d/passes/%d/point", i, j, k), "is none of the points, or out of order")
				}
				last = p.Point
			}
		}
	}
	return nil
}
