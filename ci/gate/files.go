package gate

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// ReadPolicyFile reads a policy; without a path it is that of this build.
func ReadPolicyFile(path string) (Policy, error) {
	if path == "" {
		return ParsePolicy(DefaultPolicy(), "the policy of this build")
	}
	file, err := os.Open(path)
	if err != nil {
		return Policy{}, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MostPolicy+1))
	if err != nil {
		return Policy{}, err
	}
	return ParsePolicy(data, path)
}

// ReadSetFile reads one side's set.
func ReadSetFile(path string) (*Set, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return ReadSet(file, path)
}

// ReadNoiseFile reads what is known of a machine's noise; nil where there is no file.
func ReadNoiseFile(path string) (*Noise, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseNoise(data, path)
}

// WriteFile writes the noise to a file, and makes its directory where there is none.
func (n *Noise) WriteFile(path string) error {
	data, err := EncodeNoise(n)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = result.WriteFile(path, data)
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
		if err := result.WriteFile(filepath.Join(dir, set.Side+".json"), data); err != nil {
			return err
		}
	}
	return nil
}

// Write writes a verdict in every form into a directory: gate.json, gate.md, gate.junit.xml,
// and with the sets' values gate.txt.
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
		if err := result.WriteFile(filepath.Join(dir, form.name), form.data); err != nil {
			return err
		}
	}
	return nil
}

// AppendHistory adds a verdict's line to a history, and begins one where there is none.
func AppendHistory(path string, r *Report, started time.Time) error {
	line, err := HistoryLine(r, started)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	_, err = file.Write(line)
	return errors.Join(err, file.Close())
}
