package field

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"math"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

//go:embed schema.json
var schemaJSON []byte

// SchemaJSON returns the JSON Schema (2020-12) of field.json.
func SchemaJSON() []byte { return bytes.Clone(schemaJSON) }

var schema = strictjson.Embedded(schemaJSON, "")

// Read reads an untrusted field.json. The error is one line that begins with name.
func Read(r io.Reader, name string) (*Field, error) {
	f := new(Field)
	if err := schema().Read(r, name, f, f.check); err != nil {
		return nil, err
	}
	return f, nil
}

// Encode returns the file. The same values give the same bytes. It returns an error for values that Read would refuse.
func (f *Field) Encode() ([]byte, error) {
	n := f.normal()
	return schema().Write("field", n, n.check)
}

// normal returns f in the form of the schema: empty lists instead of nil, and no text longer than allowed. It does not
// change f.
func (f *Field) normal() *Field {
	n := *f
	n.Schema, n.Command, n.Host, n.Sizes = Schema, result.Texts(f.Command), result.NormalHost(f.Host), result.NotNil(f.Sizes)
	if n.Ended.Before(n.Started) { // the clock was set back
		n.Ended = n.Started
	}
	n.Devices = make([]Device, len(f.Devices))
	for i, d := range f.Devices {
		d.Name, d.Why, d.Points = result.CutName(d.Name), result.Cut(d.Why), result.NotNil(d.Points)
		a := &d.About
		a.Text, a.Home, a.Version, a.Install, a.Cannot = result.Cut(a.Text), result.Cut(a.Home), result.Cut(a.Version), result.Cut(a.Install), result.Texts(a.Cannot)
		a.Licence, a.Language, a.Cipher, a.Carrier = result.CutName(a.Licence), result.CutName(a.Language), result.CutName(a.Cipher), result.CutName(a.Carrier)
		d.Behaviour = behaviour.Normal(d.Behaviour)
		n.Devices[i] = d
	}
	return &n
}

// check finds faults that a schema cannot express.
func (f *Field) check() error {
	if f.Ended.Before(f.Started) {
		return strictjson.At("/ended", "is before /started")
	}
	names := map[string]int{}
	for i, d := range f.Devices {
		at := fmt.Sprintf("/devices/%d", i)
		if first, twice := names[d.Name]; twice {
			return strictjson.At(at+"/name", fmt.Sprintf("is that of /devices/%d", first))
		}
		names[d.Name] = i
		if (d.Why == "") != (d.State == Works) {
			return strictjson.At(at+"/why", "has to say why a device does not work, and nothing of one that does")
		}
		for j, p := range d.Points {
			if err := p.check(d.Points[:j]); err != nil {
				return strictjson.At(fmt.Sprintf("%s/points/%d%s", at, j, err.At), err.Why)
			}
		}
		for j, found := range d.Behaviour {
			if found.Rule == "" && (found.Verdict == behaviour.Pass || found.Verdict == behaviour.Fail) {
				return strictjson.At(fmt.Sprintf("%s/behaviour/%d/rule", at, j), "has to name the rule of the verdict")
			}
		}
		if d.Goodput != nil && !d.Goodput.Bits.ordered() {
			return strictjson.At(at+"/goodput/bps", disorder)
		}
	}
	return nil
}

const (
	disorder = "is not between its bounds"
	excess   = "is more than offered_frames"
)

// check returns what is wrong with a point; before are those before it.
func (p *Point) check(before []Point) *strictjson.Fault {
	for _, o := range before {
		if o.Size == p.Size {
			return &strictjson.Fault{At: "/frame_size", Why: "comes twice"}
		}
	}
	for _, v := range []struct {
		at string
		i  *Interval
	}{{"/rate_fps", p.Rate}, {"/normal_fps", p.Normal}, {"/share_of_control", p.Share}, {"/cpu_ns_per_frame", p.CPU}} {
		if v.i != nil && !v.i.ordered() {
			return &strictjson.Fault{At: v.at, Why: disorder}
		}
	}
	if l := p.Light; l != nil && l.Received > l.Offered {
		return &strictjson.Fault{At: "/light/received_frames", Why: excess}
	}
	if l := p.Half; l != nil && l.Received > l.Offered {
		return &strictjson.Fault{At: "/half/received_frames", Why: excess}
	}
	return nil
}

// ordered reports whether a value is between its bounds, to the rounding of a division.
func (i Interval) ordered() bool {
	room := 1e-9 * math.Abs(i.Value)
	return i.Lower <= i.Value+room && i.Value <= i.Upper+room
}
