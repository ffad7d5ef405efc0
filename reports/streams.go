package reports

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// streamResults returns the results of the streams test, in the order of the kinds.
func streamResults(r *result.Results) []*result.Result {
	var found []*result.Result
	for i := range r.Results {
		if r.Results[i].Test == rfc2544.NameStreams {
			found = append(found, &r.Results[i])
		}
	}
	slices.SortStableFunc(found, func(a, b *result.Result) int { return matrix.KindOrder(a.Kind) - matrix.KindOrder(b.Kind) })
	return found
}

// streamColumn is a column of the streams table.
type streamColumn struct {
	head string // title in the page
	slim string // title in the text table
	find func(*result.Result) *rfc2544.Value
	text func(float64) string
}

// streamColumns lists the columns in table order; all but the last hold numbers.
var streamColumns = []streamColumn{
	{"Mbit/s", "Mbit/s", named("stream_goodput"), mega},
	{"Mbit/s, several connections", "several", severalGoodput, mega},
	{"of the ceiling", "of max", named("stream_goodput_share"), show.Percent},
	{"resent per GB", "resent", named("stream_retransmits"), whole},
	{"request/response p50 µs", "rr p50", named("request_response_p50"), microNumber},
	{"p99 µs", "rr p99", named("request_response_p99"), microNumber},
	{"connections/s", "conn/s", named("connection_rate"), whole},
	{"cpu ns/octet", "cpu ns", named("cpu_ns_per_octet"), func(v float64) string { return show.Digits(v, show.Thin) }},
}

func named(name string) func(*result.Result) *rfc2544.Value {
	return func(r *result.Result) *rfc2544.Value { return r.Value(name) }
}

// severalGoodput returns the goodput of parallel connections; the value's name ends in their
// number.
func severalGoodput(r *result.Result) *rfc2544.Value {
	for i := range r.Values {
		n, ok := strings.CutPrefix(r.Values[i].Name, "stream_goodput_")
		if _, err := strconv.Atoi(n); ok && err == nil {
			return &r.Values[i]
		}
	}
	return nil
}

func mega(v float64) string        { return show.Fixed(v/1e6, 1, show.Thin) }
func whole(v float64) string       { return show.Fixed(v, 0, show.Thin) }
func microNumber(v float64) string { return show.Fixed(v/1e3, 1, show.Thin) }

func (c streamColumn) cell(r *result.Result) (main, limits string) {
	v := c.find(r)
	if v == nil {
		return show.None, ""
	}
	return c.text(v.Value), matrix.Bounds(v, c.text)
}

// streamMetric returns the page's table of the streams test; ok is false without such a test.
func streamMetric(r *result.Results) (head metric, ok bool) {
	head = metric{ID: "m-streams", Title: "Streams", Unit: streamTitle(r) + " between two hosts behind the tunnel",
		Note: "What receiving applications read, per direction: with one connection and with several; its share of what the overhead leaves of a link of known rate; " +
			"one octet each way; connections made, used and closed. Below each number the least and the greatest of the repeats. CPU is that of the device's cores alone."}
	for _, c := range streamColumns {
		head.Sizes = append(head.Sizes, c.head)
	}
	for _, res := range streamResults(r) {
		if name := kindTitle(res.Kind); len(head.Groups) == 0 || head.Groups[len(head.Groups)-1].Name != name {
			head.Groups = append(head.Groups, metricGroup{Name: name})
		}
		g := &head.Groups[len(head.Groups)-1]
		g.Rows = append(g.Rows, streamRow(res))
	}
	return head, len(head.Groups) > 0
}

// streamTitle names TCP with its congestion control, where the file has it.
func streamTitle(r *result.Results) string {
	return strings.TrimSpace("TCP " + strictjson.Short(r.CongestionControl, 16))
}

func streamRow(res *result.Result) metricRow {
	row := metricRow{Name: strictjson.Clean(res.DUT)}
	if res.Unsupported != "" {
		row.Reason = "cannot run here"
		return row
	}
	for i, c := range streamColumns {
		main, limits := c.cell(res)
		cell := metricCell{Main: main}
		if limits != "" {
			cell.Lines = []string{limits}
		}
		if i == 0 && res.LimitedBy != "" && res.LimitedBy != result.LimitedByDUT {
			cell.Lines = append(cell.Lines, "limit: the "+strictjson.Clean(res.LimitedBy))
		}
		if i == 0 && (res.Error != "" || !res.Valid) {
			cell.Flag = resultState(res)
		}
		row.Cells = append(row.Cells, cell)
	}
	return row
}

// streamTable writes the text table of the streams test, or nothing if the test was not run.
func streamTable(w io.Writer, r *result.Results) error {
	results := streamResults(r)
	if len(results) == 0 {
		return nil
	}
	t := texttab.New(texttab.Left("streams, " + streamTitle(r)))
	for _, c := range streamColumns {
		t.Columns = append(t.Columns, texttab.Right(c.slim))
	}
	t.Columns = append(t.Columns, texttab.Left("limited by"))
	for _, res := range results {
		cells := []string{strictjson.Short(res.DUT, show.MaxName)}
		for _, c := range streamColumns {
			text, _ := c.cell(res)
			cells = append(cells, show.PlainText.Replace(text))
		}
		t.Add(append(cells, streamVerdict(res))...)
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.Text(w)
}

// streamVerdict returns what limited one connection, or why the result is invalid.
func streamVerdict(res *result.Result) string {
	var words []string
	if res.Unsupported != "" || res.Error != "" || !res.Valid {
		words = append(words, resultState(res))
	}
	if res.LimitedBy != "" {
		words = append(words, res.LimitedBy)
	}
	if len(words) == 0 {
		return show.None
	}
	return strings.Join(words, ", ")
}
