package reports

import (
	"bytes"
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
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
	n := normalFuzz(f)
	err := checkFuzz(n)
	var data []byte
	if err == nil {
		data, err = fuzzSchema().Encode(n)
	}
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	return data, nil
}

// WriteFuzz writes a campaign's file at path, aside first, then renamed.
func WriteFuzz(path string, f *Fuzz) error {
	data, err := EncodeFuzz(f)
	if err != nil {
		return err
	}
	return result.WriteFile(path, data)
}

// ReadFuzz reads a campaign's file that anybody may have written, as strictly
// as Read reads results: the error is one line, `name: where: why`.
func ReadFuzz(r io.Reader, name string) (*Fuzz, error) {
	data, err := strictjson.ReadAll(r)
	f := new(Fuzz)
	if err == nil {
		err = fuzzSchema().Decode(data, f)
	}
	if err == nil {
		err = checkFuzz(f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strictjson.Clean(name), err)
	}
	return f, nil
}

// IsFuzz tells whether a file begins as a campaign's does, and not as results do.
func IsFuzz(head []byte) bool { return bytes.Contains(head[:min(len(head), 256)], []byte(FuzzSchema)) }

// checkFuzz finds what no schema can say: things in the wrong order, and an
// input that is longer than itself.
func checkFuzz(f *Fuzz) error {
	if f.Ended.Before(f.Started) {
		return strictjson.At("/ended", "is before /started")
	}
	for i := range f.Targets {
		t := &f.Targets[i]
		for j := 1; j < len(t.Samples); j++ {
			if t.Samples[j].Elapsed < t.Samples[j-1].Elapsed {
				return strictjson.At(fmt.Sprintf("/targets/%d/samples/%d/elapsed_ns", i, j), "is before the sample in front of it")
			}
		}
		for j, found := range t.Findings {
			if len(found.Input) > found.Octets {
				why := fmt.Sprintf("has %d octets, but octets says %d", len(found.Input), found.Octets)
				return strictjson.At(fmt.Sprintf("/targets/%d/findings/%d/input", i, j), why)
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
	n.Command = result.Texts(f.Command)
	n.Targets = make([]FuzzTarget, len(f.Targets))
	for i, t := range f.Targets {
		t.Doc, t.Error = result.Cut(t.Doc), result.Cut(t.Error)
		t.Samples = result.NotNil(t.Samples)
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
	f.Seen, f.Reproduce, f.Files = result.Cut(f.Seen), result.Cut(f.Reproduce), result.Texts(f.Files)
	f.Input = result.NotNil(f.Input[:min(len(f.Input), maxInput)])
	stack := make([]StackFrame, min(len(f.Stack), maxFrames))
	for i := range stack {
		stack[i] = f.Stack[i]
		stack[i].Function, stack[i].File = result.Cut(f.Stack[i].Function), result.Cut(f.Stack[i].File)
	}
	f.Stack = stack
	return f
}
