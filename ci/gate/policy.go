package gate

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictyaml"
)

// PolicySchema is the schema version of the policy file.
const PolicySchema = "tunnelbench.policy/1"

// MostPolicy is the largest policy file that is read, in bytes.
const MostPolicy = 64 << 10

//go:embed policy.yaml
var policyYAML []byte

// DefaultPolicy returns ci/gate/policy.yaml as embedded in this build.
func DefaultPolicy() []byte { return bytes.Clone(policyYAML) }

// Policy defines the metrics of a gate and their limits.
type Policy struct {
	Schema       string           `yaml:"schema"`
	Risk         float64          `yaml:"risk"`   // probability of a wrong verdict, over all metrics and looks
	Looks        []int            `yaml:"looks"`  // numbers of pairs after which a verdict is tried
	Shares       []float64        `yaml:"shares"` // share of the risk that each look uses
	Margin       Share            `yaml:"margin"`
	MostDropped  Share            `yaml:"most_dropped"`
	Metrics      []PolicyMetric   `yaml:"metrics"`
	Counts       Counts           `yaml:"counts"`
	Acknowledged []Acknowledgment `yaml:"acknowledged"`

	Bias map[string]float64 `yaml:"-"` // bias of the machine, by metric, if it was measured
}

// Counts are the limits of gate --count: the largest increases of instructions that pass.
type Counts struct {
	Frames Share `yaml:"frames"` // of a frame through the device
	Calls  Share `yaml:"calls"`  // of a call of a function
	Sizes  []int `yaml:"sizes"`  // frame sizes in bytes, including the FCS
}

// margin returns the slowdown up to which a metric did not regress: smaller slowdowns are
// attributed to the machine's noise.
func (p Policy) margin(id string) float64 { return max(float64(p.Margin), 3*p.Bias[id]) }

// PolicyMetric is a metric and the largest slowdown that passes.
type PolicyMetric struct {
	Name      string `yaml:"name"`
	FrameSize int    `yaml:"frame_size"` // bytes, including the FCS; 0: the metric has none
	Limit     Share  `yaml:"limit"`
	Shown     bool   `yaml:"shown"` // show it in the tables without a verdict
	Exact     bool   `yaml:"exact"` // the metric has no noise
}

// ID returns the metric's name in sets.
func (m PolicyMetric) ID() string {
	if m.FrameSize == 0 {
		return m.Name
	}
	return m.Name + "/" + strconv.Itoa(m.FrameSize)
}

// Acknowledgment accepts a known regression.
type Acknowledgment struct {
	Metric  string          `yaml:"metric"` // ID of the metric
	Commit  strictyaml.Text `yaml:"commit"` // a commit of the change, or a prefix of it
	Reason  string          `yaml:"reason"`
	Expires Day             `yaml:"expires"` // last day on which the acknowledgment applies
}

// hash matches the name of a commit, or a beginning of it that is long enough.
var hash = regexp.MustCompile(`^[0-9a-fA-F]{7,64}$`)

// accepts reports whether an acknowledgment is for the head of a set, or for a commit below it that the
// base does not have.
func (a Acknowledgment) accepts(head *Set) bool {
	begins := func(commit string) bool { return strings.HasPrefix(commit, strings.ToLower(string(a.Commit))) }
	return begins(head.Commit) || slices.ContainsFunc(head.Commits, begins)
}

// Share is a fraction, written "5%" or "0.05".
type Share float64

// UnmarshalYAML implements yaml.InterfaceUnmarshaler. (For a TextUnmarshaler the YAML library would
// scan the whole file again.)
func (s *Share) UnmarshalYAML(decode func(any) error) error {
	var text string
	if err := decode(&text); err != nil {
		return err
	}
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%.40q is no share: write 5%% or 0.05", text)
	}
	if percent {
		v /= 100
	}
	*s = Share(v)
	return nil
}

// String formats the share in percent.
func (s Share) String() string { return strconv.FormatFloat(100*float64(s), 'g', 4, 64) + "%" }

// Day is a date without a time, in UTC.
type Day struct{ time.Time }

// UnmarshalYAML implements yaml.InterfaceUnmarshaler.
func (d *Day) UnmarshalYAML(decode func(any) error) error {
	var text string
	err := decode(&text)
	if err != nil {
		return err
	}
	if d.Time, err = time.Parse(time.DateOnly, text); err != nil {
		return fmt.Errorf("%.40q is no date: write 2006-01-02", text)
	}
	return nil
}

// Limits of a policy.
const (
	mostJudged = 8 // number of metrics; more would weaken each verdict
	mostLooks  = 8
	mostPairs  = 1024
)

// names lists the metrics that a policy may contain.
var names = map[string]struct{ exact, sized bool }{
	"closed_loop_rate": {sized: true}, "forwarding_rate": {sized: true}, "cpu_ns_per_frame": {sized: true}, "latency_p50": {sized: true}, "latency_p99": {sized: true},
	"stream_goodput": {},
	allocations:      {exact: true, sized: true},
	binarySize:       {exact: true},
}

// ParsePolicy parses a policy; name is the file name for errors. The error is one line, `name:
// where: why`.
func ParsePolicy(data []byte, name string) (Policy, error) {
	if len(data) > MostPolicy {
		return Policy{}, fmt.Errorf("%s: is larger than %d KiB", name, MostPolicy>>10)
	}
	file, err := strictyaml.Parse(name, data)
	if err != nil {
		return Policy{}, err
	}
	p := Policy{Counts: Counts{Frames: 0.01, Calls: 0.02, Sizes: []int{64, 512, 1518}}}
	if err := file.Decode(&p, true); err != nil {
		return Policy{}, err
	}
	if err := p.check(); err != nil {
		return Policy{}, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// Only returns the policy reduced to the metrics with these IDs.
func (p Policy) Only(ids []string) (Policy, error) {
	all := p.Metrics
	p.Metrics = nil
	for _, m := range all {
		if slices.Contains(ids, m.ID()) {
			p.Metrics = append(p.Metrics, m)
		}
	}
	if len(p.Metrics) != len(ids) {
		var known []string
		for _, m := range all {
			known = append(known, m.ID())
		}
		return p, fmt.Errorf("each once, of %s", strings.Join(known, ", "))
	}
	kept := map[string]bool{}
	for _, id := range ids {
		kept[id] = true
	}
	p.Acknowledged = slices.DeleteFunc(slices.Clone(p.Acknowledged), func(a Acknowledgment) bool { return !kept[a.Metric] })
	return p, p.check()
}

func (p *Policy) check() error {
	switch {
	case p.Schema != PolicySchema:
		return fmt.Errorf("schema: is %.64q, this program reads %q", p.Schema, PolicySchema)
	case !(p.Risk > 0 && p.Risk <= 0.2):
		return fmt.Errorf("risk: %v is not above 0 and at most 0.2", p.Risk)
	case len(p.Looks) == 0 || len(p.Looks) > mostLooks || len(p.Looks) != len(p.Shares):
		return fmt.Errorf("looks: %d of them and %d shares; there have to be as many, from 1 to %d", len(p.Looks), len(p.Shares), mostLooks)
	case !(p.Margin >= 0 && p.Margin < 1):
		return fmt.Errorf("margin: %v is not from 0%% to 100%%", p.Margin)
	case !(p.MostDropped >= 0 && p.MostDropped < 1):
		return fmt.Errorf("most_dropped: %v is not from 0%% to 100%%", p.MostDropped)
	}
	if err := p.checkLooks(); err != nil {
		return err
	}
	if err := errors.Join(p.checkMetrics(), p.Counts.check()); err != nil {
		return err
	}
	return p.checkAcknowledged()
}

func (c Counts) check() error {
	for _, l := range []struct {
		name  string
		limit Share
	}{{"frames", c.Frames}, {"calls", c.Calls}} {
		if !(l.limit > 0 && l.limit < 1) {
			return fmt.Errorf("counts: %s: %v is not above 0%% and below 100%%", l.name, l.limit)
		}
	}
	sizes := slices.Compact(slices.Sorted(slices.Values(c.Sizes)))
	if n := len(sizes); n == 0 || n > mostJudged || n != len(c.Sizes) || sizes[0] < 64 || sizes[n-1] > 1518 {
		return fmt.Errorf("counts: sizes: from 1 to %d different ones, each from 64 to 1518 bytes", mostJudged)
	}
	return nil
}

func (p *Policy) checkLooks() error {
	last, sum := 0, 0.0
	for i, pairs := range p.Looks {
		share := p.Shares[i]
		switch {
		case pairs <= last || pairs > mostPairs:
			return fmt.Errorf("looks: %d is not above %d and at most %d", pairs, last, mostPairs)
		case !(share > 0 && share <= 1):
			return fmt.Errorf("shares: %v is not above 0 and at most 1", share)
		}
		last, sum = pairs, sum+share
		if risk := p.Risk * share / mostJudged; math.Pow(0.5, float64(pairs)) > risk {
			return fmt.Errorf("looks: %d pairs can show nothing with a risk of %.2g: take more pairs or more risk", pairs, risk)
		}
	}
	if sum > 1+1e-9 {
		return fmt.Errorf("shares: they are %v together, more than 1", sum)
	}
	return nil
}

func (p *Policy) checkMetrics() error {
	seen := map[string]bool{}
	judged := 0
	for i, m := range p.Metrics {
		where := fmt.Sprintf("metrics: number %d, %.64q: ", i+1, m.ID())
		kind, known := names[m.Name]
		switch {
		case !known:
			return fmt.Errorf("%sthere is no such metric", where)
		case m.Exact != kind.exact:
			return fmt.Errorf("%sexact has to be %v", where, kind.exact)
		case seen[m.ID()]:
			return fmt.Errorf("%sstands twice", where)
		case !m.Shown && !(m.Limit > 0 && m.Limit < 1):
			return fmt.Errorf("%sits limit, %v, is not above 0%% and below 100%%", where, m.Limit)
		case !m.Shown && !kind.exact && m.Limit <= p.Margin:
			return fmt.Errorf("%sits limit, %v, is not above the margin, %v", where, m.Limit, p.Margin)
		case m.FrameSize != 0 && (m.FrameSize < 64 || m.FrameSize > 9216):
			return fmt.Errorf("%sa frame has 64 to 9216 bytes", where)
		case kind.sized && m.FrameSize == 0:
			return fmt.Errorf("%sneeds a frame_size", where)
		case !kind.sized && m.FrameSize != 0:
			return fmt.Errorf("%shas no frame_size", where)
		}
		seen[m.ID()] = true
		if !m.Shown && !kind.exact {
			judged++
		}
	}
	if judged == 0 || judged > mostJudged {
		return fmt.Errorf("metrics: %d are judged by statistics, from 1 to %d can be", judged, mostJudged)
	}
	return nil
}

func (p *Policy) checkAcknowledged() error {
	for i, a := range p.Acknowledged {
		where := fmt.Sprintf("acknowledged: number %d: ", i+1)
		switch {
		case !slices.ContainsFunc(p.Metrics, func(m PolicyMetric) bool { return m.ID() == a.Metric }):
			return fmt.Errorf("%s%.64q is not among the metrics", where, a.Metric)
		case !hash.MatchString(string(a.Commit)):
			return fmt.Errorf("%sa commit of at least 7 hexadecimal digits says what is accepted, not %.64q", where, string(a.Commit))
		case a.Reason == "":
			return fmt.Errorf("%shas no reason", where)
		case a.Expires.IsZero():
			return fmt.Errorf("%snever expires", where)
		}
	}
	return nil
}
