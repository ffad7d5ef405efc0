package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// ReadPolicyFile reads a policy file. An empty path selects the default policy.
func ReadPolicyFile(ctx context.Context, path string) (Policy, error) {
	if path == "" {
		return ParsePolicy(DefaultPolicy(), "the policy of this build")
	}
	data, err := bounded.File(ctx, path, MostPolicy)
	if err != nil {
		return Policy{}, err
	}
	return ParsePolicy(data, path)
}

// ReadSetFile reads the set of one side.
func ReadSetFile(ctx context.Context, path string) (*Set, error) {
	data, err := bounded.File(ctx, path, strictjson.MaxFile)
	if err != nil {
		return nil, err
	}
	return ReadSet(bytes.NewReader(data), path)
}

// ReadNoiseFile reads the noise of a machine; it returns nil if the file does not exist.
func ReadNoiseFile(ctx context.Context, path string) (*Noise, error) {
	data, err := bounded.File(ctx, path, strictjson.MaxFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseNoise(data, path)
}

// WriteFile writes the noise to a file and creates the directory if needed.
func (n *Noise) WriteFile(path string) error {
	data, err := EncodeNoise(n)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = atomicfile.WriteFile(path, data, 0o644)
	}
	return err
}

// WriteSets writes base.json and head.json into a directory.
func WriteSets(dir string, sets ...*Set) error {
	for _, set := range sets {
		data, err := EncodeSet(set)
		if err != nil {
			return err
		}
		if err := atomicfile.WriteFile(filepath.Join(dir, set.Side+".json"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Clear removes the files of an earlier gate from a directory, so that they do not stand beside a new
// verdict.
func Clear(dir string) error {
	var errs []error
	for _, name := range []string{BaseSide + ".json", HeadSide + ".json", "gate.json", "gate.md", "gate.junit.xml", "gate.txt", "count.json", "count.md"} {
		if err := os.Remove(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Write writes a report to a directory as gate.json, gate.md and gate.junit.xml, and the values of
// the sets as gate.txt.
func Write(dir string, r *Report, base, head *Set) error {
	text, err := Encode(r)
	if err != nil {
		return err
	}
	junit, err := JUnit(r)
	if err != nil {
		return err
	}
	for _, form := range []struct {
		name string
		data []byte
	}{
		{"gate.json", text}, {"gate.md", []byte(Markdown(r))}, {"gate.junit.xml", junit}, {"gate.txt", []byte(Benchfmt(base, head))},
	} {
		if err := atomicfile.WriteFile(filepath.Join(dir, form.name), form.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// CheckHistory returns an error if nothing can be appended to a history file. It creates the file if
// needed.
func CheckHistory(path string) error { return bounded.AppendLine(path, nil) }

// AppendHistory appends a report's line to a history file, which it creates if needed.
func AppendHistory(path string, r *Report, started time.Time) error {
	line, err := HistoryLine(r, started)
	if err != nil {
		return err
	}
	if err := bounded.AppendLine(path, line); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}
