package result

import (
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Read reads an untrusted results file. It accepts only files that match the schema and pass Check.
// The error is one line, `name: where: why`, where the place is a JSON pointer. Files of schema /1
// are accepted; fields that they lack are zero.
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

// Encode returns the results file. The same results give the same bytes. It shortens texts that are
// too long for the schema and returns an error for results that Read would refuse.
func Encode(r *Results) ([]byte, error) {
	n := Normal(r)
	if err := Check(n); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	data, err := resultsSchema().Encode(n)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return data, nil
}

// Write writes the results file to path atomically: readers see the old file or the new one.
func Write(path string, r *Results) error {
	data, err := Encode(r)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, data, 0o644)
}

// Normal returns a copy of r that fits the schema and the limits of a file: empty lists instead of nil, and texts and
// lists within their limits.
func Normal(r *Results) *Results {
	n := *r
	n.Schema = Schema
	if n.Ended.Before(n.Started) { // the clock was set back
		n.Ended = n.Started
	}
	n.Command = Texts(r.Command)
	n.Host = NormalHost(r.Host)
	n.Calibration = NotNil(r.Calibration)
	n.Results = make([]Result, len(r.Results))
	room := mostTrialsOfFile
	for i, res := range r.Results {
		res = fit(res, room)
		room -= len(res.Trials)
		res.Unsupported = Cut(res.Unsupported)
		res.Error = Cut(res.Error)
		for j := range res.Values {
			res.Values[j].Name = CutName(res.Values[j].Name)
		}
		trials := make([]rfc2544.Observation, len(res.Trials))
		for j, o := range res.Trials {
			trials[j] = normalTrial(o)
		}
		res.Trials = trials
		n.Results[i] = res
	}
	share(n.Results)
	for i := range n.Results {
		n.Results[i].Warnings = Texts(n.Results[i].Warnings)
	}
	shareTexts(n.Results)
	n.Comparison, n.Counts = normalComparison(r.Comparison), normalCounts(r.Counts)
	return &n
}

// NormalHost returns h with empty lists instead of nil and texts within their limits.
func NormalHost(h Host) Host {
	h.Offloads, h.Sysctls = settings(h.Offloads), settings(h.Sysctls)
	h.CPU, h.Kernel, h.Virtual, h.CPUPlan = CutName(h.CPU), CutName(h.Kernel), CutName(h.Virtual), CutName(h.CPUPlan)
	h.Changed, h.Notes = Texts(h.Changed), Texts(h.Notes)
	return h
}

// normalComparison returns c with empty lists instead of nil and texts within their limits.
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

func settings(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = Cut(v)
	}
	return out
}
