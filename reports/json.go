package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// MaxFile is the largest results file that Read takes, in octets.
const MaxFile = 64 << 20

// Read reads a results file that anybody may have written. It accepts what the
// schema accepts and what Check finds sound, and nothing else; the error is one
// line, `name: where: why`, where the place is a JSON pointer. Memory stays
// within a small multiple of the file, and the file within MaxFile.
func Read(r io.Reader, name string) (*Results, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", clean(name), err)
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%s: (whole file): is larger than %d MiB", clean(name), MaxFile>>20)
	}
	res, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", clean(name), err)
	}
	return res, nil
}

func decode(data []byte) (*Results, error) {
	root, err := readSchema()
	if err != nil {
		return nil, err
	}
	if err := walk(data, root); err != nil {
		return nil, err
	}
	res := new(Results)
	if err := json.Unmarshal(data, res); err != nil {
		return nil, &placeError{"", err.Error()}
	}
	return res, Check(res)
}

// Encode is the results file as bytes: the same results, the same bytes.
// Texts too long for the schema are cut. Results that Read would refuse are
// refused here, so that no run ends in a file nobody can read.
func Encode(r *Results) ([]byte, error) {
	if err := Check(r); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(normal(r)); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	root, err := readSchema()
	if err != nil {
		return nil, err
	}
	if err := walk(b.Bytes(), root); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return b.Bytes(), nil
}

// Write writes the results file at path: aside first, then renamed, so that a
// reader finds the old file or the new one and never a half.
func Write(path string, r *Results) error {
	data, err := Encode(r)
	if err != nil {
		return err
	}
	return WriteFile(path, data)
}

// normal is r in the form the schema asks for: lists where Go has nil ones,
// texts no longer than allowed. r itself stays as it is.
func normal(r *Results) *Results {
	n := *r
	n.Schema = Schema
	n.Command = texts(r.Command)
	n.Host = normalHost(r.Host)
	n.Calibration = notNil(r.Calibration)
	n.Results = make([]Result, len(r.Results))
	for i, res := range r.Results {
		res.Warnings = texts(res.Warnings)
		res.Unsupported = cut(res.Unsupported)
		res.Error = cut(res.Error)
		res.Values = notNil(res.Values)
		trials := make([]rfc2544.Observation, len(res.Trials))
		for j, o := range res.Trials {
			trials[j] = normalTrial(o)
		}
		res.Trials = trials
		n.Results[i] = res
	}
	n.Comparison = normalComparison(r.Comparison)
	return &n
}

// normalHost is h without nil lists and with texts no longer than allowed.
func normalHost(h Host) Host {
	h.Offloads, h.Sysctls = settings(h.Offloads), settings(h.Sysctls)
	h.Changed, h.Notes = texts(h.Changed), texts(h.Notes)
	return h
}

// normalComparison is c without nil lists and with texts no longer than allowed.
func normalComparison(c *Comparison) *Comparison {
	if c == nil {
		return nil
	}
	n := *c
	n.Devices, n.Warnings = notNil(c.Devices), texts(c.Warnings)
	n.Order = make([][]int, len(c.Order))
	for i, order := range c.Order {
		n.Order[i] = notNil(order)
	}
	n.Metrics = make([]Metric, len(c.Metrics))
	for i, m := range c.Metrics {
		m.Ratios = notNil(m.Ratios)
		samples := make([][]*float64, len(m.Samples))
		for k, row := range m.Samples {
			samples[k] = notNil(row)
		}
		m.Samples = samples
		n.Metrics[i] = m
	}
	return &n
}

// maxText is the schema's limit for free text, in characters.
const maxText = 4096

func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxText {
		return s
	}
	return string([]rune(s)[:maxText])
}

func texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = cut(s)
	}
	return out
}

func settings(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = cut(v)
	}
	return out
}
