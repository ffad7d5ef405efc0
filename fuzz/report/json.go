package report

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// The most of a finding that its file holds. Longer parts are cut, because a shortened report is better
// than none. schema.json has the same numbers.
const (
	maxInput  = 1 << 20 // bytes of an input; its seed file has all of them
	maxFrames = 256     // of a stack; an endless recursion has millions
)

// Encode returns the file of a campaign. The same campaign makes the same bytes. Long texts, stacks and
// inputs are cut. Encode refuses a campaign that Read would refuse.
func Encode(f *Campaign) ([]byte, error) {
	n := normal(f)
	err := check(n)
	var data []byte
	if err == nil {
		data, err = schema().Encode(n)
	}
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	return data, nil
}

// Write writes a campaign's file atomically.
func Write(path string, f *Campaign) error {
	data, err := Encode(f)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, data, 0o644)
}

// ReadFile reads the campaign file at a path, as Read does.
func ReadFile(ctx context.Context, path string) (*Campaign, error) {
	data, err := bounded.File(ctx, path, strictjson.MaxFile)
	if err != nil {
		return nil, err
	}
	return Read(bytes.NewReader(data), path)
}

// Read reads an untrusted campaign file, as strictly as result.Read reads results. The error is one line,
// `name: where: why`.
func Read(r io.Reader, name string) (*Campaign, error) {
	f := new(Campaign)
	if err := schema().Read(r, name, f, func() error { return check(f) }); err != nil {
		return nil, err
	}
	return f, nil
}

// IsCampaign reports whether a file begins like a campaign file.
func IsCampaign(head []byte) bool { return bytes.Contains(head[:min(len(head), 256)], []byte(Schema)) }

// check finds faults that a schema cannot express: times out of order, and an input that is longer than its
// stated length.
func check(f *Campaign) error {
	if f.Ended.Before(f.Started) {
		return strictjson.At("/ended", "is before /started")
	}
	for i := range f.Targets {
		t := &f.Targets[i]
		for j := 1; j < len(t.Samples); j++ {
			if t.Samples[j].Elapsed < t.Samples[j-1].Elapsed {
				return strictjson.At(fmt.Sprintf("/targets/%d/samples/%d/elapsed_ns", i, j), "is before the previous sample")
			}
		}
		for j, found := range t.Findings {
			if len(found.Input) > found.Octets {
				why := fmt.Sprintf("has %d bytes, but octets is %d", len(found.Input), found.Octets)
				return strictjson.At(fmt.Sprintf("/targets/%d/findings/%d/input", i, j), why)
			}
		}
	}
	return nil
}

// normal returns f in the form of the schema: empty lists instead of nil, and nothing longer than allowed.
// It does not change f.
func normal(f *Campaign) *Campaign {
	n := *f
	n.Schema = Schema
	n.Command = result.Texts(f.Command)
	n.Targets = make([]Target, len(f.Targets))
	room := room{texts: strictjson.MaxTexts / 2, inputs: strictjson.MaxFile / 2}
	for i, t := range f.Targets {
		t.Doc, t.Error = result.Cut(t.Doc), result.Cut(t.Error)
		t.Samples = result.NotNil(t.Samples)
		findings := make([]Finding, len(t.Findings))
		for j, found := range t.Findings {
			findings[j] = normalFinding(found, &room)
		}
		t.Findings = findings
		n.Targets[i] = t
	}
	return &n
}

// room is what is left for the findings of a file, in bytes.
type room struct{ texts, inputs int }

// fits takes the room of a finding, if there is so much. A short input counts as a text, as for the reader.
func (r *room) fits(f Finding) bool {
	texts, input := len(f.Seen)+len(f.Reproduce), base64.StdEncoding.EncodedLen(len(f.Input))
	for _, frame := range f.Stack {
		texts += len(frame.Function) + len(frame.File)
	}
	for _, file := range f.Files {
		texts += len(file)
	}
	if texts+input > r.texts && input <= strictjson.MaxProse || texts > r.texts || input > r.inputs {
		return false
	}
	if input <= strictjson.MaxProse {
		texts, input = texts+input, 0
	}
	r.texts -= texts
	r.inputs -= input
	return true
}

// normalFinding returns a finding that fits into the room: one that does not has no stack and no input,
// which are in its files.
func normalFinding(f Finding, r *room) Finding {
	f.Seen, f.Reproduce, f.Files = result.Cut(f.Seen), result.Cut(f.Reproduce), result.Texts(f.Files)
	f.Input = result.NotNil(f.Input[:min(len(f.Input), maxInput)])
	stack := make([]StackFrame, min(len(f.Stack), maxFrames))
	for i := range stack {
		stack[i] = f.Stack[i]
		stack[i].Function, stack[i].File = result.Cut(f.Stack[i].Function), result.Cut(f.Stack[i].File)
	}
	f.Stack = stack
	if !r.fits(f) {
		f.Stack, f.Input = []StackFrame{}, []byte{}
	}
	return f
}
