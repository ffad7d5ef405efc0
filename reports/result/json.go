package result

import (
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Read reads a results file that anybody may have written. It accepts what the
// schema accepts and what Check finds sound, and nothing else; the error is one
// line, `name: where: why`, where the place is a JSON pointer. Files of schema /1
// are read, too; what they do not have is zero.
func Read(r io.Reader, name string) (*Results, error) {
	res := new(Results)
	data, err := strictjson.ReadAll(r)
	switch {
	case err != nil:
	case isVersion1(data):
		res, err = decode1(data)
	default:
		err = resultsSchema().Decode(data, res)
	}
	if err == nil {
		err = Check(res)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strictjson.Clean(name), err)
	}
	return res, nil
}

// Encode is the results file as bytes: the same results, the same bytes.
// Texts too long for the schema are cut. Results that Read would refuse are
// refused here, so that no run ends in a file nobody can read.
func Encode(r *Results) ([]byte, error) {
	if err := Check(r); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	data, err := resultsSchema().Encode(Normal(r))
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return data, nil
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

// Normal is r in the form the schema asks for: lists where Go has nil ones,
// texts no longer than allowed. r itself stays as it is.
func Normal(r *Results) *Results {
	n := *r
	n.Schema = Schema
	n.Command = Texts(r.Command)
	n.Host = NormalHost(r.Host)
	n.Calibration = NotNil(r.Calibration)
	n.Results = make([]Result, len(r.Results))
	for i, res := range r.Results {
		res.Shortfalls = NotNil(res.Shortfalls)
		res.Warnings = Texts(res.Warnings)
		res.Unsupported = Cut(res.Unsupported)
		res.Error = Cut(res.Error)
		res.Values = NotNil(res.Values)
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

// NormalHost is h without nil lists and with texts no longer than allowed.
func NormalHost(h Host) Host {
	h.Offloads, h.Sysctls = settings(h.Offloads), settings(h.Sysctls)
	h.Changed, h.Notes = Texts(h.Changed), Texts(h.Notes)
	return h
}

// normalComparison is c without nil lists and with texts no longer than allowed.
func normalComparison(c *Comparison) *Comparison {
	if c == nil {
		return nil
	}
	n := *c
	n.Devices, n.Warnings = NotNil(c.Devices), Texts(c.Warnings)
	n.Order = make([][]int, len(c.Order))
	for i, order := range c.Order {
		n.Order[i] = NotNil(order)
	}
	n.Metrics = make([]Metric, len(c.Metrics))
	for i, m := range c.Metrics {
		m.Ratios = NotNil(m.Ratios)
		samples := make([][]*float64, len(m.Samples))
		for k, row := range m.Samples {
			samples[k] = NotNil(row)
		}
		m.Samples = samples
		n.Metrics[i] = m
	}
	return &n
}

// MaxText is the schema's limit for free text, in characters.
const MaxText = 4096

// Cut is the text, no longer than MaxText.
func Cut(s string) string {
	if utf8.RuneCountInString(s) <= MaxText {
		return s
	}
	return string([]rune(s)[:MaxText])
}

// Texts are the texts of a list, none longer than MaxText; never nil.
func Texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = Cut(s)
	}
	return out
}

func settings(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = Cut(v)
	}
	return out
}
