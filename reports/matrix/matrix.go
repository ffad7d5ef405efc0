package matrix

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Names of the values that a cell shows, in order of preference. A report uses a single rate name,
// because different rates must not be compared.
var (
	rateNames     = []string{"throughput", "pdr", "ndr", "conditional_throughput_pdr", "conditional_throughput_ndr", "forwarding_rate"}
	p50Names      = []string{"latency_p50"}
	p99Names      = []string{"latency_p99"}
	quietP50Names = []string{"latency_quiet_p50"}
	quietP99Names = []string{"latency_quiet_p99"}
	CpuNames      = []string{"cpu_ns_per_frame"}
)

// Matrix is the table of a run: a row for each device and direction, a column for each frame size.
type Matrix struct {
	Rate  string // name of the rate in all cells
	Sizes []rfc2544.FrameSize
	Rows  []Row
}

// Row is one device in one direction.
type Row struct {
	DUT, Kind, Direction string
	Label                string // device name, with the direction if there are several
	Cells                []Cell // one per size of the matrix
}

// Cell holds the results of one device at one frame size.
type Cell struct {
	Size       rfc2544.FrameSize
	Results    []*result.Result
	Rate       *rfc2544.Value
	P50, P99   *rfc2544.Value // latency of all frames
	QuietP50   *rfc2544.Value // latency of frames that no stall delayed
	QuietP99   *rfc2544.Value
	CPU        *rfc2544.Value
	Valid      bool // all results of the cell are valid
	LimitedBy  string
	warnings   int
	Share      float64        // share of the rate of plain forwarding; NaN without a valid pair
	SideBySide *rfc2544.Value // the share in %, measured side by side with plain forwarding
	Loop       *rfc2544.Value // rate of a closed loop as measured
	Normal     *rfc2544.Value // the same at the control's nominal speed
	shareBound string         // "at most" or "at least" if one of the two rates is only a lower bound
	Reason     string         // why values are missing
	Unsupport  bool
	Died       bool
	RateResult *result.Result
}

// NewMatrix builds the matrix of r. Rows are sorted by kind, then in the order of the file.
func NewMatrix(r *result.Results) *Matrix {
	m := &Matrix{Rate: commonRate(r)}
	for i := range r.Results {
		if hasOwnTable(r.Results[i].Test) {
			continue
		}
		if size := r.Results[i].FrameSize; !slices.Contains(m.Sizes, size) {
			m.Sizes = append(m.Sizes, size)
		}
	}
	slices.Sort(m.Sizes)
	for i := range r.Results {
		res := &r.Results[i]
		if hasOwnTable(res.Test) {
			continue
		}
		c := &m.row(res).Cells[slices.Index(m.Sizes, res.FrameSize)]
		c.add(res, m.Rate)
	}
	slices.SortStableFunc(m.Rows, func(a, b Row) int { return KindOrder(a.Kind) - KindOrder(b.Kind) })
	m.label()
	m.shares()
	return m
}

// hasOwnTable reports whether a test is shown in a table of its own and not in the matrix: TCP
// streams and the RFC's tests.
func hasOwnTable(test string) bool { return test == rfc2544.NameStreams || IsRFC(test) }

// commonRate returns the rate name that occurs in the most results.
func commonRate(r *result.Results) string {
	best, most := rateNames[0], 0
	for _, name := range rateNames {
		n := 0
		for i := range r.Results {
			if !IsRFC(r.Results[i].Test) && r.Results[i].Value(name) != nil {
				n++
			}
		}
		if n > most {
			best, most = name, n
		}
	}
	return best
}

// KindOrder returns the position of a kind in every table: calibration, plain, sealed.
func KindOrder(kind string) int {
	return slices.Index([]string{result.KindCalibration, result.KindPlain, result.KindSealed}, kind)
}

// row returns the row of res and creates it if needed.
func (m *Matrix) row(res *result.Result) *Row {
	for i := range m.Rows {
		if r := &m.Rows[i]; r.DUT == res.DUT && r.Kind == res.Kind && r.Direction == res.Direction {
			return r
		}
	}
	cells := make([]Cell, len(m.Sizes))
	for i, size := range m.Sizes {
		cells[i] = Cell{Size: size, Valid: true, Share: math.NaN()}
	}
	m.Rows = append(m.Rows, Row{DUT: res.DUT, Kind: res.Kind, Direction: res.Direction, Cells: cells})
	return &m.Rows[len(m.Rows)-1]
}

// label sets the names of the rows, with the direction if there is more than one.
func (m *Matrix) label() {
	several := slices.ContainsFunc(m.Rows, func(r Row) bool { return r.Direction != m.Rows[0].Direction })
	for i := range m.Rows {
		r := &m.Rows[i]
		r.Label = strictjson.Clean(r.DUT)
		if several && r.Direction != "" {
			r.Label += " (" + strictjson.Clean(r.Direction) + ")"
		}
	}
}

// shares computes each rate as a share of plain forwarding at the same size and direction.
func (m *Matrix) shares() {
	for i := range m.Rows {
		r := &m.Rows[i]
		base := m.find(result.PlainDUT, r.Direction)
		if base == nil {
			continue
		}
		for j := range r.Cells {
			c, p := &r.Cells[j], &base.Cells[j]
			switch {
			case c.Rate == nil || p.Rate == nil || !p.Valid || p.Rate.Value <= 0:
			case r == base:
				c.Share = 1
			case c.SideBySide != nil:
				c.Share = c.SideBySide.Value / 100
			default:
				c.Share, c.shareBound = shareOf(c.Rate, p.Rate)
			}
		}
	}
}

// shareOf returns rate as a share of plain's rate. If plain lost nothing at its highest load, its
// rate is a lower bound, so the share is "at most" this. If the device lost nothing, the share is
// "at least" this. If both are lower bounds, the share is unknown: NaN.
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

// ShareText returns the share of plain's rate as all tables show it.
func (c *Cell) ShareText() string {
	if v := c.SideBySide; v != nil && v.Lower != nil && v.Upper != nil {
		return show.Digits(v.Value, show.Thin) + show.Nbsp + "% (" + show.Digits(*v.Lower, show.Thin) + "–" + show.Digits(*v.Upper, show.Thin) + ")"
	}
	if c.shareBound != "" {
		return c.shareBound + show.Nbsp + show.Percent(c.Share)
	}
	return show.Percent(c.Share)
}

// Any reports whether any cell has something.
func (m *Matrix) Any(has func(Cell) bool) bool {
	return slices.ContainsFunc(m.Rows, func(r Row) bool { return slices.ContainsFunc(r.Cells, has) })
}

// SideBySide reports whether any share of plain was measured side by side.
func (m *Matrix) SideBySide() bool { return m.Any(func(c Cell) bool { return c.SideBySide != nil }) }

func (m *Matrix) find(dut, direction string) *Row {
	for i := range m.Rows {
		if m.Rows[i].DUT == dut && m.Rows[i].Direction == direction {
			return &m.Rows[i]
		}
	}
	return nil
}

// add copies the values of res into the cell. The first result that has a value wins.
func (c *Cell) add(res *result.Result, rate string) {
	c.Results = append(c.Results, res)
	if c.Rate == nil {
		if c.Rate = res.Value(rate); c.Rate != nil {
			c.RateResult, c.LimitedBy = res, res.LimitedBy
		}
	}
	if v := res.Value("ratio_to_" + result.PlainDUT); v != nil {
		c.SideBySide = v
	}
	for _, f := range []struct {
		into  **rfc2544.Value
		names []string
	}{{&c.P50, p50Names}, {&c.P99, p99Names}, {&c.QuietP50, quietP50Names}, {&c.QuietP99, quietP99Names}, {&c.CPU, CpuNames}, {&c.Loop, []string{"closed_loop_rate"}}, {&c.Normal, []string{"normal_rate"}}} {
		if *f.into == nil {
			*f.into = res.Value(f.names...)
		}
	}
	c.Valid = c.Valid && res.Valid
	c.warnings += len(res.Warnings)
	c.Unsupport = c.Unsupport || res.Unsupported != ""
	c.Died = c.Died || res.Error != ""
	if c.Reason == "" {
		c.Reason = res.Unsupported + res.Error
	}
}

// Empty reports whether the cell has no values.
func (c *Cell) Empty() bool { return c.Rate == nil && c.P50 == nil && c.CPU == nil }

// State describes the state of the cell in a word or two; it is empty when all is well.
func (c *Cell) State() string {
	switch {
	case len(c.Results) == 0:
		return "not measured"
	case c.Unsupport:
		return "cannot run"
	case c.Died:
		return "died"
	case !c.Valid:
		return "not valid"
	}
	return ""
}

// Nanos returns a time value in nanoseconds and whether v is a time.
func Nanos(v *rfc2544.Value) (float64, bool) {
	if v == nil {
		return 0, false
	}
	units := map[string]float64{"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "ns/frame": 1}
	f, ok := units[v.Unit]
	return v.Value * f, ok
}

// MicroText formats a time value in microseconds; without a value it returns a dash.
func MicroText(v *rfc2544.Value) string {
	ns, ok := Nanos(v)
	if !ok {
		return show.None
	}
	return show.Micros(time.Duration(ns))
}

// NanoText formats a time value in whole nanoseconds; without a value it returns a dash.
func NanoText(v *rfc2544.Value) string {
	ns, ok := Nanos(v)
	if !ok {
		return show.None
	}
	return show.Fixed(ns, 0, show.Thin)
}

// Megabits converts a frame rate into Mbit/s. Frames of size s include the FCS; the inter-frame gap
// is not counted.
func Megabits(fps float64, s rfc2544.FrameSize) float64 {
	return rfc2544.Rate(fps).Bits(s) / 1e6
}

// Bounds formats the lower and upper bounds of a value; it returns an empty string if there are none.
func Bounds(v *rfc2544.Value, write func(float64) string) string {
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

// RateBounds says how far a repeat of the rate may be: its bounds over several bring-ups. The bounds of
// a single search say nothing of that. Then it is what the machine's changing speed gave the closed
// loop meanwhile, marked by "~", or "once".
func (c *Cell) RateBounds(write func(float64) string) string {
	v, loop := c.Rate, c.Loop
	switch {
	case v == nil || v.Rounds != 1 || v.Lower == nil || v.Upper == nil:
		return Bounds(v, write)
	case loop == nil || loop.Lower == nil || loop.Upper == nil || loop.Value <= 0:
		return "once"
	}
	lower, upper := v.Value**loop.Lower/loop.Value, v.Value**loop.Upper/loop.Value
	return "~" + write(min(lower, *v.Lower)) + "–" + write(max(upper, *v.Upper))
}

// RateTitle returns the name of a rate in words.
func RateTitle(name string) string {
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

// Verdict names what limited the rate, or why the rate is invalid.
func (c *Cell) Verdict() string {
	words := []string{}
	if s := c.State(); s != "" {
		words = append(words, s)
	}
	if c.LimitedBy != "" {
		words = append(words, c.LimitedBy)
	}
	if len(words) == 0 {
		return show.None
	}
	return strings.Join(words, ", ")
}

// IsRFC reports whether a test of the RFCs has a table of its own.
func IsRFC(test string) bool {
	t, ok := rfc2544.Find(test)
	return ok && t.Section != ""
}
