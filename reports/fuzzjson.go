package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// The most of a finding that its file holds; what is over is cut, for a report
// that is cut is better than none. The numbers are fuzzschema.json's.
const (
	maxInput  = 1 << 20 // octets of an input: its seed file has them all
	maxFrames = 256     // of a stack: a recursion without end has millions
)

// EncodeFuzz is a campaign's file as bytes: the same campaign, the same bytes.
// Long texts, stacks and inputs are cut. A campaign that ReadFuzz would refuse
// is refused here.
func EncodeFuzz(f *Fuzz) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	n := normalFuzz(f)
	err := enc.Encode(n)
	if err == nil {
		err = checkFuzz(n)
	}
	if err == nil {
		err = walkFuzz(b.Bytes())
	}
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	return b.Bytes(), nil
}

// WriteFuzz writes a campaign's file at path, aside first, then renamed.
func WriteFuzz(path string, f *Fuzz) error {
	data, err := EncodeFuzz(f)
	if err != nil {
		return err
	}
	return WriteFile(path, data)
}

// ReadFuzz reads a campaign's file that anybody may have written, as strictly
// as Read reads results: the error is one line, `name: where: why`.
func ReadFuzz(r io.Reader, name string) (*Fuzz, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	f := new(Fuzz)
	if err == nil {
		err = walkFuzz(data)
	}
	if err == nil {
		err = json.Unmarshal(data, f)
	}
	if err == nil {
		err = checkFuzz(f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", clean(name), err)
	}
	return f, nil
}

// IsFuzz tells whether a file begins as a campaign's does, and not as results do.
func IsFuzz(head []byte) bool { return bytes.Contains(head[:min(len(head), 256)], []byte(FuzzSchema)) }

func walkFuzz(data []byte) error {
	if len(data) > MaxFile {
		return &placeError{"", fmt.Sprintf("is larger than %d MiB", MaxFile>>20)}
	}
	root, err := readFuzzSchema()
	if err != nil {
		return err
	}
	return walk(data, root)
}

// checkFuzz finds what no schema can say: things in the wrong order, and an
// input that is longer than itself.
func checkFuzz(f *Fuzz) error {
	if f.Ended.Before(f.Started) {
		return &placeError{"/ended", "is before /started"}
	}
	for i := range f.Targets {
		t := &f.Targets[i]
		for j := 1; j < len(t.Samples); j++ {
			if t.Samples[j].Elapsed < t.Samples[j-1].Elapsed {
				return &placeError{fmt.Sprintf("/targets/%d/samples/%d/elapsed_ns", i, j), "is before the sample in front of it"}
			}
		}
		for j, found := range t.Findings {
			if len(found.Input) > found.Octets {
				why := fmt.Sprintf("has %d octets, but octets says %d", len(found.Input), found.Octets)
				return &placeError{fmt.Sprintf("/targets/%d/findings/%d/input", i, j), why}
			}
		}
	}
	return nil
}

// normalFuzz is f in the form the schema asks for: lists where Go has nil ones,
// nothing longer than allowed. f itself stays as it is.
func normalFuzz(f *Fuzz) *Fuzz {
	n := *f
	n.Schema = FuzzSchema
	n.Command = texts(f.Command)
	n.Targets = make([]FuzzTarget, len(f.Targets))
	for i, t := range f.Targets {
		t.Doc, t.Error = cut(t.Doc), cut(t.Error)
		t.Samples = notNil(t.Samples)
		findings := make([]Finding, len(t.Findings))
		for j, found := range t.Findings {
			findings[j] = normalFinding(found)
		}
		t.Findings = findings
		n.Targets[i] = t
	}
	return &n
}

func normalFinding(f Finding) Finding {
	f.Seen, f.Reproduce, f.Files = cut(f.Seen), cut(f.Reproduce), texts(f.Files)
	f.Input = notNil(f.Input[:min(len(f.Input), maxInput)])
	stack := make([]StackFrame, min(len(f.Stack), maxFrames))
	for i := range stack {
		stack[i] = f.Stack[i]
		stack[i].Function, stack[i].File = cut(f.Stack[i].Function), cut(f.Stack[i].File)
	}
	f.Stack = stack
	return f
}
