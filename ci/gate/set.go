package gate

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// SetSchema is the schema version of the files that `gate` records and compares.
const SetSchema = "tunnelbench.set/1"

// The two sides of a gate.
const (
	BaseSide = "base"
	HeadSide = "head"
)

// Set holds all measurements of one side of a gate. Two sets can be compared again on any machine,
// with the same verdict.
type Set struct {
	Schema   string          `json:"schema"`
	Side     string          `json:"side"`              // BaseSide or HeadSide
	Tool     result.Tool     `json:"tool"`              // the tunnelbench build that measured, the same on both sides
	Device   string          `json:"device"`            // device spec as given to --dut
	Revision string          `json:"revision"`          // as the user named it
	Commit   string          `json:"commit"`            // commit of the revision; empty outside of a repository
	Commits  []string        `json:"commits,omitempty"` // of the head: commits that the base does not have, the newest first, at most 1000
	Builds   []Build         `json:"builds"`            // builds of one source with different layouts
	Command  []string        `json:"command"`           // command that repeats the measurement
	Host     result.Host     `json:"host"`
	Link     rfc2544.BitRate `json:"link_bps"`
	// CongestionControl is of TCP in all namespaces; empty in older files.
	CongestionControl string      `json:"congestion_control,omitempty"`
	Seed              uint64      `json:"seed"` // seed of the random order in pairs
	Started           time.Time   `json:"started"`
	Metrics           []SetMetric `json:"metrics"`
	Loads             []Load      `json:"loads"`
	Turns             []Turn      `json:"turns"`
}

// Build is one binary, or the tree of a side without a binary.
type Build struct {
	SHA256 string `json:"sha256"` // in hexadecimal
	Layout int    `json:"layout"` // 0: the linker's default; else the seed of -randlayout
	Octets int64  `json:"octets"` // size of the binary; 0 if there is no single one
}

// SetMetric is a metric that turns measure.
type SetMetric struct {
	Name      string            `json:"name"`
	Unit      string            `json:"unit"`
	Better    int               `json:"better"`     // 1: more is better; -1: less is
	FrameSize rfc2544.FrameSize `json:"frame_size"` // 0: the metric has none
}

// ID returns the name, followed by the frame size if there is one.
func (m SetMetric) ID() string {
	if m.FrameSize == 0 {
		return m.Name
	}
	return m.Name + "/" + strconv.Itoa(int(m.FrameSize))
}

// Load is the load that all turns use at one frame size.
type Load struct {
	FrameSize rfc2544.FrameSize `json:"frame_size"`
	Overload  rfc2544.Rate      `json:"overload_fps"` // load for the forwarding rate
	Light     rfc2544.Rate      `json:"light_fps"`    // load for latency and CPU time
}

// Turn is one measurement of one side, which is half of a pair.
type Turn struct {
	Series int                 `json:"series"` // 1, or 2 for the series that confirms a fail
	Pair   int                 `json:"pair"`   // number of the pair, from 1
	Place  int                 `json:"place"`  // 1: measured first in its pair; 2: second
	Build  int                 `json:"build"`  // index of the build, from 0
	Values map[string]*float64 `json:"values"` // by metric ID; null: invalid or silent; absent: not measured
	// Silent has the IDs of metrics that have no value because the device forwarded nothing, in time that
	// nothing disturbed: a latency, or what a frame takes. A rate has the value 0 then.
	Silent []string `json:"silent,omitempty"`
	Died   string   `json:"died"`   // how the device died; empty if it did not
	Doubts []string `json:"doubts"` // which trials of the pair were not valid, and why
	// Teardowns says which devices of the pair were not taken down cleanly, which costs no value.
	Teardowns []string `json:"teardowns,omitempty"`
}

// value returns what a turn showed of a metric: nil if that is not valid, and +Inf if less is better and
// no frame came. A rate is 0 then.
func (t *Turn) value(id string) *float64 {
	if v := t.Values[id]; v != nil || !slices.Contains(t.Silent, id) {
		return v
	}
	never := math.Inf(1)
	return &never
}

// ReadSet reads an untrusted set file, as strictly as result.Read reads results. The error is one
// line, `name: where: why`.
func ReadSet(r io.Reader, name string) (*Set, error) {
	s := new(Set)
	if err := setSchema().Read(r, name, s, func() error { return CheckSet(s) }); err != nil {
		return nil, err
	}
	return s, nil
}

// EncodeSet returns the file of a set. The same set gives the same bytes. It returns an error for a
// set that ReadSet would refuse.
func EncodeSet(s *Set) ([]byte, error) {
	n := normalSet(s)
	return setSchema().Write("set", n, func() error { return CheckSet(n) })
}

// normalSet returns s with empty lists instead of nil and texts within their limits.
func normalSet(s *Set) *Set {
	n := *s
	n.Device, n.Revision, n.Commit = result.CutName(s.Device), result.CutName(s.Revision), result.CutName(s.Commit)
	n.Schema, n.Command = SetSchema, result.Texts(s.Command)
	n.Host = result.NormalHost(s.Host)
	n.Builds, n.Metrics, n.Loads = result.NotNil(s.Builds), result.NotNil(s.Metrics), result.NotNil(s.Loads)
	n.Turns = make([]Turn, len(s.Turns))
	for i, t := range s.Turns {
		t.Died, t.Doubts = result.Cut(t.Died), result.Texts(t.Doubts)
		if len(t.Teardowns) > 0 {
			t.Teardowns = result.Texts(t.Teardowns)
		}
		if t.Values == nil {
			t.Values = map[string]*float64{}
		}
		n.Turns[i] = t
	}
	return &n
}

// CheckSet returns an error if the set contradicts itself. The error is one line that begins with a
// JSON pointer.
func CheckSet(s *Set) error {
	ids := map[string]SetMetric{}
	for i, m := range s.Metrics {
		_, twice := ids[m.ID()]
		switch {
		case m.Unit == "":
			return strictjson.At(fmt.Sprintf("/metrics/%d/unit", i), "is empty")
		case m.Better != 1 && m.Better != -1:
			return strictjson.At(fmt.Sprintf("/metrics/%d/better", i), "is neither 1 nor -1")
		case twice:
			return strictjson.At(fmt.Sprintf("/metrics/%d", i), strictjson.Quote(m.ID())+" stands twice")
		}
		ids[m.ID()] = m
	}
	type key struct{ series, pair int }
	seen := map[key]bool{}
	for i, t := range s.Turns {
		where := "/turns/" + strconv.Itoa(i)
		k := key{t.Series, t.Pair}
		switch {
		case seen[k]:
			return strictjson.At(where, fmt.Sprintf("pair %d of series %d stands twice", t.Pair, t.Series))
		case t.Build >= max(1, len(s.Builds)):
			return strictjson.At(where+"/build", fmt.Sprintf("there are %d builds", len(s.Builds)))
		}
		seen[k] = true
		if err := checkValues(&t, where, ids); err != nil {
			return err
		}
	}
	return nil
}

// checkValues checks the values of the turn at a JSON pointer.
func checkValues(t *Turn, where string, metrics map[string]SetMetric) error {
	for id, v := range t.Values {
		m, known := metrics[id]
		switch {
		case !known:
			return strictjson.At(where+"/values", strictjson.Quote(id)+" is not among the metrics")
		case v == nil:
		case *v == 0 && !math.Signbit(*v) && m.mayBeZero():
		case !(*v > 0 && result.Finite(v)):
			return strictjson.At(where+"/values", strictjson.Quote(id)+" is not above zero")
		}
	}
	for i, id := range t.Silent {
		v, asked := t.Values[id]
		if !asked || v != nil || metrics[id].mayBeZero() {
			return strictjson.At(fmt.Sprintf("%s/silent/%d", where, i), strictjson.Quote(id)+" is no metric that lacks a value because nothing was forwarded")
		}
	}
	return nil
}

// mayBeZero reports whether 0 is a value of the metric: that of a device that forwards nothing, or that
// allocates nothing. A latency of 0 is none.
func (m SetMetric) mayBeZero() bool { return m.Better > 0 || m.Name == allocations }
