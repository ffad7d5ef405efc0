package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
)

// Torn reports whether data is the beginning of a JSON value, whose rest is missing.
func Torn(data []byte) bool {
	var value json.RawMessage
	return errors.Is(json.NewDecoder(bytes.NewReader(data)).Decode(&value), io.ErrUnexpectedEOF)
}

// Unmarshal decodes a file that has no published schema, as strictly as a Schema does: one value, no
// key twice, no unknown field. The error is a *Fault.
func Unmarshal(data []byte, into any) error {
	data, err := bounded.Text(data)
	if err != nil {
		return &Fault{"", Clean(err.Error())}
	}
	if err := scan(data); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return faultOf(d.Decode(into))
}
