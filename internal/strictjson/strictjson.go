// Package strictjson reads untrusted JSON files. It accepts a file only if it is
// one value that is valid under its published JSON Schema and that encoding/json
// decodes without ambiguity:
//
//	bytes ──► scan ──────────────► schema ────────► decode ──► Go value
//	          UTF-8, keys twice,   JSON Schema      integers written
//	          depth, number form   (2020-12)        as integers
//
// The scan works on tokens and comes first, since it limits the time and memory
// of the later steps. Every error is one line with a JSON pointer.
package strictjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
)

// Fault is an error at one place of a file.
type Fault struct {
	At  string // JSON pointer (RFC 6901); empty for the whole file
	Why string // text after the place: "is null, must be an integer"
}

func (f *Fault) Error() string {
	if f.At == "" {
		return "(whole file): " + f.Why
	}
	return f.At + ": " + f.Why
}

// At returns a *Fault for an error that the caller found.
func At(place, why string) error { return &Fault{place, why} }

// MaxFile is the size limit of a file, in bytes.
const MaxFile = 64 << 20

// ReadAll reads a text of at most MaxFile bytes and leaves its byte order mark out.
func ReadAll(r io.Reader) ([]byte, error) {
	data, err := bounded.Reader(r, MaxFile)
	if err == nil {
		data, err = bounded.Text(data)
	}
	if err != nil {
		return nil, &Fault{"", Clean(err.Error())}
	}
	return data, nil
}

// Schema is a compiled JSON Schema.
type Schema struct{ compiled *jsonschema.Schema }

// Embedded compiles an embedded schema at its first use; it panics if the schema is not valid.
// place names the definition, such as "#/$defs/certificate"; empty is the whole schema.
func Embedded(text []byte, place string) func() *Schema {
	return sync.OnceValue(func() *Schema {
		s, err := Compile(text, place)
		if err != nil {
			panic(err)
		}
		return s
	})
}

// Read reads an untrusted file into v. check, which may be nil, then finds what the schema cannot express. The error is one
// line that begins with name.
func (s *Schema) Read(r io.Reader, name string, v any, check func() error) error {
	data, err := ReadAll(r)
	if err == nil {
		err = s.Decode(data, v)
	}
	if err == nil && check != nil {
		err = check()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Clean(name), err)
	}
	return nil
}

// Write returns the file of v. It returns an error, which begins with what, for a v that Read with the same check would
// refuse.
func (s *Schema) Write(what string, v any, check func() error) ([]byte, error) {
	err := check()
	var data []byte
	if err == nil {
		data, err = s.Encode(v)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return data, nil
}

// Compile compiles the definition at place of a schema.
func Compile(text []byte, place string) (*Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.AssertContent()
	c.RegisterContentEncoding(&jsonschema.Decoder{Name: "base64", Decode: strictBase64})
	const at = "mem:///schema.json" // a file's name would be looked for below a working directory, which may be gone
	if err := c.AddResource(at, doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(at + place)
	if err != nil {
		return nil, err
	}
	stopAtFirst(compiled, map[*jsonschema.Schema]bool{})
	return &Schema{compiled}, nil
}

// strictBase64 accepts no line breaks, which encoding/base64 skips.
func strictBase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line breaks")
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}

// Check validates data against the schema; the error is a *Fault. Of several faults it returns the
// one with the first place in byte order, so that the same file always gives the same error.
func (s *Schema) Check(data []byte) error {
	if err := scan(data); err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return &Fault{"", Clean(err.Error())}
	}
	var invalid *jsonschema.ValidationError
	if err := s.compiled.Validate(value); errors.As(err, &invalid) {
		return first(value, invalid)
	} else if err != nil {
		return &Fault{"", Clean(err.Error())}
	}
	return nil
}

// large is the size of a file from which garbage is collected more often, in bytes.
const large = 8 << 20

// Decode checks data and decodes it into a pointer to a Go value.
func (s *Schema) Decode(data []byte, into any) error {
	if len(data) > large {
		defer collectMore()()
	}
	if err := s.Check(data); err != nil {
		return err
	}
	return faultOf(json.Unmarshal(data, into))
}

// collecting counts the large files that are being read.
var collecting struct {
	sync.Mutex
	files  int
	before int // the percentage without them
}

// collectMore makes the garbage of this process be collected more often until done is called, because the tree of a
// large file takes some hundred megabytes. It never makes it be collected less often (GOGC).
func collectMore() (done func()) {
	const percent = 40
	c := &collecting
	c.Lock()
	defer c.Unlock()
	if c.files++; c.files == 1 {
		if c.before = debug.SetGCPercent(percent); c.before >= 0 && c.before < percent {
			debug.SetGCPercent(c.before)
		}
	}
	return func() {
		c.Lock()
		defer c.Unlock()
		if c.files--; c.files == 0 {
			debug.SetGCPercent(c.before)
		}
	}
}

// faultOf returns a decoder's error as a *Fault.
func faultOf(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return &Fault{"/" + strings.ReplaceAll(wrong.Field, ".", "/"), wrongType(wrong)}
	}
	return &Fault{"", Clean(err.Error())}
}

// wrongType describes a type error of the decoder in a file that the schema accepts: 1.0 and 1e3
// are integers in JSON Schema, but not for a Go integer.
func wrongType(wrong *json.UnmarshalTypeError) string {
	if text, ok := strings.CutPrefix(wrong.Value, "number "); ok {
		if strings.ContainsAny(text, ".eE") {
			return fmt.Sprintf("is %s, must be an integer", Short(text, 32))
		}
		return Short(text, 32) + " is out of range"
	}
	return fmt.Sprintf("is %s, must be %s", article(wrong.Value), article(wrong.Type.Kind().String()))
}

// Encode returns v as indented JSON. It returns an error if ReadAll or Check would not accept the result.
func (s *Schema) Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(v)
	if err == nil && b.Len() > MaxFile {
		err = &Fault{"", "is larger than " + bounded.Size(MaxFile)}
	}
	if err == nil {
		err = s.Check(b.Bytes())
	}
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
