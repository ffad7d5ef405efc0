package reports

import (
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Value names that the renderers look for, the preferred first. One rate name
// serves a whole report: unlike values are never set side by side.
var (
	rateNames     = []string{"throughput", "pdr", "ndr", "conditional_throughput_pdr", "conditional_throughput_ndr", "forwarding_rate"}
	p50Names      = []string{"latency_p50"}
	p99Names      = []string{"latency_p99"}
	quietP50Names = []string{"latency_quiet_p50", "latency_p50_quiet"}
	quietP99Names = []string{"latency_quiet_p99", "latency_p99_quiet"}
	cpuNames      = []string{"cpu_ns_per_frame", "cpu_per_frame"}
)

// matrix is a run as people compare it: a row per device, a column per size.
type matrix struct {
	rate  string // the value name that all rates here have
	sizes []rfc2544.FrameSize
	rows  []row
}

// row is one device in one direction.
type row struct {
	dut, kind, direction string
	label                string // the device, and the direction where there are several
	cells                []cell // one per size of the matrix
}

// cell is all that is known of one device at one size.
type cell struct {
	size       rfc2544.FrameSize
	results    []*result.Result
	rate       *rfc2544.Value
	p50, p99   *rfc2544.Value // latency of all frames
	quietP50   *rfc2544.Value // latency of frames whose way no stall touched
	quietP99   *rfc2544.Value
	cpu        *rfc2544.Value
	valid      bool // every result here is
	limitedBy  string
	warnings   int
	share      float64 // of the rate of plain; NaN when there is no valid pair
	shareBound string  // "at most" or "at least" where one of the two rates is only a lower bound
	reason     string  // why there is nothing, or not all
	unsupport  bool
	died       bool
	rateResult *result.Result
}

// newMatrix arranges r. Rows come in the order of the kinds, then of the file.
func newMatrix(r *result.Results) *matrix {
	m := &matrix{rate: commonRate(r)}
	for i := range r.Results {
		if hasOwnTable(r.Results[i].Test) {
			continue
		}
		if size := r.Results[i].FrameSize; !slices.Contains(m.sizes, size) {
			m.sizes = append(m.sizes, size)
		}
	}
	slices.Sort(m.sizes)
	for i := range r.Results {
		res := &r.Results[i]
		if hasOwnTable(res.Test) {
			continue
		}
		c := &m.row(res).cells[slices.Index(m.sizes, res.FrameSize)]
		c.add(res, m.rate)
	}
	slices.SortStableFunc(m.rows, func(a, b row) int { return kindOrder(a.kind) - kindOrder(b.kind) })
	m.label()
	m.shares()
	return m
}

// hasOwnTable tells of tests that are not the matrix's: streams, which are not of
// frames, and the RFC's tests.
func hasOwnTable(test string) bool { return test == rfc2544.NameStreams || isRFC(test) }

// commonRate is the rate name that the most results have.
func commonRate(r *result.Results) string {
	best, most := rateNames[0], 0
	for _, name := range rateNames {
		n := 0
		for i := range r.Results {
			if !isRFC(r.Results[i].Test) && r.Results[i].Value(name) != nil {
				n++
			}
		}
		if n > most {
			best, most = name, n
		}
	}
	return best
}

func kindOrder(kind string) int {
	return slices.Index([]string{result.KindCalibration, result.KindPlain, result.KindSealed}, kind)
}

// row finds the row of res, or makes it.
func (m *matrix) row(res *result.Result) *row {
	for i := range m.rows {
		if r := &m.rows[i]; r.dut == res.DUT && r.kind == res.Kind && r.direction == res.Direction {
			return r
		}
	}
	cells := make([]cell, len(m.sizes))
	for i, size := range m.sizes {
		cells[i] = cell{size: size, valid: true, share: math.NaN()}
	}
	m.rows = append(m.rows, row{dut: res.DUT, kind: res.Kind, direction: res.Direction, cells: cells})
	return &m.rows[len(m.rows)-1]
}

// label names the rows: the direction is said where there is more than one.
func (m *matrix) label() {
	several := slices.ContainsFunc(m.rows, func(r row) bool { return r.direction != m.rows[0].direction })
	for i := range m.rows {
		r := &m.rows[i]
		r.label = strictjson.Clean(r.dut)
		if several && r.direction != "" {
			r.label += " (" + strictjson.Clean(r.direction) + ")"
		}
	}
}

// shares sets each rate against that of plain at the same size and direction.
func (m *matrix) shares() {
	for i := range m.rows {
		r := &m.rows[i]
		base := m.find(result.PlainDUT, r.direction)
		if base == nil {
			continue
		}
		for j := range r.cells {
			c, p := &r.cells[j], &base.cells[j]
			switch {
			case c.rate == nil || p.rate == nil || !p.valid || p.rate.Value <= 0:
			case r == base:
				c.share = 1
			default:
				c.share, c.shareBound = shareOf(c.rate, p.rate)
			}
		}
	}
}

// shareOf is a rate as a share of plain's. Where no load was too much for plain, its
// rate is only a lower bound and the share is at most that; where none was too much
// for the device, at least; and of two lower bounds there is no share, so NaN.
func shareOf(rate, plain *rfc2544.Value) (share float64, bound string) {
	open := func(v *rfc2544.Value) bool { return v.Lower != nil && v.Upper == nil }
	share = rate.Value / plain.Value
	switch {
	case open(plain) && open(rate):
		return math.NaN(), ""
	case open(plain):
		return share, "at most"
	case open(rate):
		return share, "at least"
	}
	return share, ""
}

// shareText is the share of plain's rate as every table shows it.
func (c *cell) shareText() string {
	if c.shareBound != "" {
		return c.shareBound + show.Nbsp + show.Percent(c.share)
	}
	return show.Percent(c.share)
}

func (m *matrix) find(dut, direction string) *row {
	for i := range m.rows {
		if m.rows[i].dut == dut && m.rows[i].direction == direction {
			return &m.rows[i]
		}
	}
	return nil
}

// add takes what res says about the cell; the first to name a value wins.
func (c *cell) add(res *result.Result, rate string) {
	c.results = append(c.results, res)
	if c.rate == nil {
		if c.rate = res.Value(rate); c.rate != nil {
			c.rateResult, c.limitedBy = res, res.LimitedBy
		}
	}
	for _, f := range []struct {
		into  **rfc2544.Value
		names []string
	}{{&c.p50, p50Names}, {&c.p99, p99Names}, {&c.quietP50, quietP50Names}, {&c.quietP99, quietP99Names}, {&c.cpu, cpuNames}} {
		if *f.into == nil {
			*f.into = res.Value(f.names...)
		}
	}
	c.valid = c.valid && res.Valid
	c.warnings += len(res.Warnings)
	c.unsupport = c.unsupport || res.Unsupported != ""
	c.died = c.died || res.Error != ""
	if c.reason == "" {
		c.reason = res.Unsupported + res.Error
	}
}

// empty reports whether nothing was measured here.
func (c *cell) empty() bool { return c.rate == nil && c.p50 == nil && c.cpu == nil }

// state is the cell's standing in a word or two; empty when all is well.
func (c *cell) state() string {
	switch {
	case len(c.results) == 0:
		return "not measured"
	case c.unsupport:
		return "cannot run"
	case c.died:
		return "died"
	case !c.valid:
		return "not valid"
	}
	return ""
}

// nanos is a value that is a time, in nanoseconds, and whether it is one.
func nanos(v *rfc2544.Value) (float64, bool) {
	if v == nil {
		return 0, false
	}
	units := map[string]float64{"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "ns/frame": 1}
	f, ok := units[v.Unit]
	return v.Value * f, ok
}

// microText is a time value in microseconds, or a dash.
func microText(v *rfc2544.Value) string {
	ns, ok := nanos(v)
	if !ok {
		return show.None
	}
	return show.Micros(time.Duration(ns))
}

// nanoText is a time value in whole nanoseconds, or a dash.
func nanoText(v *rfc2544.Value) string {
	ns, ok := nanos(v)
	if !ok {
		return show.None
	}
	return show.Fixed(ns, 0, show.Thin)
}

// megabits is a rate in Mbit/s of frames of size s, FCS counted, gap not.
func megabits(fps float64, s rfc2544.FrameSize) float64 {
	return rfc2544.Rate(fps).Bits(s) / 1e6
}

func bounds(v *rfc2544.Value, write func(float64) string) string {
	switch {
	case v == nil || v.Lower == nil && v.Upper == nil:
		return ""
	case v.Upper == nil:
		return "≥" + show.Thin + write(*v.Lower)
	case v.Lower == nil:
		return "≤" + show.Thin + write(*v.Upper)
	}
	return write(*v.Lower) + "–" + write(*v.Upper)
}

// rateTitle says in words what a rate name stands for.
func rateTitle(name string) string {
	switch name {
	case "throughput":
		return "throughput (RFC 2544: no frame lost in 60 s)"
	case "pdr":
		return "partial drop rate (pdr): the highest load within the loss goal"
	case "ndr":
		return "no drop rate (ndr): the highest load at which short trials lost nothing"
	case "conditional_throughput_pdr":
		return "conditional throughput (RFC 9971) at the partial drop goal"
	case "conditional_throughput_ndr":
		return "conditional throughput (RFC 9971) at the no drop goal"
	}
	return "forwarding rate under overload"
}
