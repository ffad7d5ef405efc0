package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// rfcTables returns a table for each test of the RFCs, in the RFCs' terms: a row for each device
// and size, a column for each value.
func rfcTables(r *result.Results) []*tableView {
	var out []*tableView
	for _, t := range rfcTests() {
		if v := rfcTable(r, t.Name); v != nil {
			v.Caption = t.Title + " (" + t.Section + ")"
			out = append(out, v)
		}
	}
	return out
}

func rfcTable(r *result.Results, test string) *tableView {
	var names []string
	var rows []*result.Result
	for i := range r.Results {
		res := &r.Results[i]
		if res.Test != test {
			continue
		}
		rows = append(rows, res)
		for k := range res.Values {
			if name := res.Values[k].Name; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	v := &tableView{Head: []string{"tunnel", "bytes", "load kfps"}, Words: []string{"standing"}}
	for _, name := range names {
		v.Head = append(v.Head, columnName(name))
	}
	v.Head = append(v.Head, "N", "standing")
	for _, res := range rows {
		v.Rows = append(v.Rows, rfcRow(res, names))
	}
	return v
}

// columnName returns a value's name in words, such as "throughput (short)".
func columnName(name string) string {
	base, short := strings.CutSuffix(strictjson.Clean(name), rfc2544.Short)
	base = strings.ReplaceAll(base, "_", " ")
	if short {
		base += " (short)"
	}
	return base
}

func rfcRow(res *result.Result, names []string) []string {
	row := []string{strictjson.Clean(res.DUT), strconv.Itoa(int(res.FrameSize)), loadText(res)}
	n := 0
	for _, name := range names {
		text := show.None
		if v := res.Value(name); v != nil {
			text = valueText(v)
			n = v.N
		}
		row = append(row, text)
	}
	standing := resultState(res)
	if strings.HasSuffix(standing, " trials") {
		standing = "valid"
	}
	if len(res.Values) == 0 && standing == "valid" {
		standing = "not applicable"
	}
	return append(row, fmt.Sprint(n), standing)
}

// loadText returns the load of a test if all of its trials have the same load.
func loadText(res *result.Result) string {
	if len(res.Trials) == 0 {
		return show.None
	}
	first := res.Trials[0].IntendedLoad
	for i := range res.Trials {
		if res.Trials[i].IntendedLoad != first {
			return show.None
		}
	}
	return show.Kilo(float64(first))
}
