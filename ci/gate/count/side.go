package count

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// SideSchema is the schema version of the files that `gate --count` records and compares.
const SideSchema = "tunnelbench.countside/1"

//go:embed sideschema.json
var sideSchemaJSON []byte

var sideSchema = strictjson.Embedded(sideSchemaJSON, "")

// SideSchemaJSON returns the JSON Schema (2020-12) of the file of a side.
func SideSchemaJSON() []byte { return bytes.Clone(sideSchemaJSON) }

// Side is what was counted of a revision. Two sides can be compared again on any machine, with the
// same verdict.
type Side struct {
	Name     string // gate.BaseSide or gate.HeadSide
	Device   string // as given to --dut
	Revision string // as the user named it
	Commit   string
	Layouts  []*result.Counts // one for each link layout of the revision
}

// sideFile is the file of a side. Its layouts are files of counts.
type sideFile struct {
	Schema   string            `json:"schema"`
	Side     string            `json:"side"`
	Device   string            `json:"device"`
	Revision string            `json:"revision"`
	Commit   string            `json:"commit"`
	Layouts  []json.RawMessage `json:"layouts"`
}

// ReadSideFile reads an untrusted file of a side. The error is one line, `name: where: why`.
func ReadSideFile(ctx context.Context, path string) (*Side, error) {
	data, err := bounded.File(ctx, path, strictjson.MaxFile)
	if err != nil {
		return nil, err
	}
	return readSide(bytes.NewReader(data), path)
}

func readSide(r io.Reader, name string) (*Side, error) {
	var f sideFile
	if err := sideSchema().Read(r, name, &f, nil); err != nil {
		return nil, err
	}
	s := &Side{Name: f.Side, Device: f.Device, Revision: f.Revision, Commit: f.Commit}
	for i, text := range f.Layouts {
		c, err := result.ReadCounts(bytes.NewReader(text), fmt.Sprintf("%s: /layouts/%d", name, i))
		if err != nil {
			return nil, err
		}
		s.Layouts = append(s.Layouts, c)
	}
	return s, nil
}

// WriteFile writes the side to a directory as base.json or head.json.
func (s *Side) WriteFile(dir string) error {
	f := sideFile{Schema: SideSchema, Side: s.Name, Device: s.Device, Revision: s.Revision, Commit: s.Commit, Layouts: []json.RawMessage{}}
	for _, c := range s.Layouts {
		text, err := result.EncodeCounts(c)
		if err != nil {
			return err
		}
		f.Layouts = append(f.Layouts, text)
	}
	data, err := sideSchema().Encode(f)
	if err != nil {
		return fmt.Errorf("counts of the %s: %w", s.Name, err)
	}
	return atomicfile.WriteFile(filepath.Join(dir, s.Name+".json"), data, 0o644)
}
