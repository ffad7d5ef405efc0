package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// details returns the detailed view of each result, with all of its trials.
func details(r *result.Results, m *matrix.Matrix, at string) ([]detail, error) {
	var out []detail
	for i := range r.Results {
		d, err := detailOf(&r.Results[i], fmt.Sprintf("%sr%d", at, i+1), m.Rate)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func detailOf(res *result.Result, id, rate string) (detail, error) {
	title := []string{strictjson.Clean(res.DUT), charts.SizeText(res.FrameSize), cmp.Or(strictjson.Clean(res.Test), "test"), strictjson.Clean(res.Direction)}
	d := detail{ID: id, Title: strings.Join(slices.DeleteFunc(title, func(s string) bool { return s == "" }), " · "), State: resultState(res)}
	d.Doubts = doubts(res)
	if len(res.Values) > 0 {
		d.Values = valueTable(res)
	}
	if len(res.Trials) > 0 {
		d.Trials = trialTable(res)
	}
	if c, ok := charts.Timeline(id+"-search", res, res.Value(rate)); ok && res.Test != rfc2544.NameLatency {
		f, err := figureOf(c)
		if err != nil {
			return detail{}, err
		}
		d.Search = &f
	}
	return d, nil
}

func resultState(res *result.Result) string {
	switch {
	case res.Unsupported != "":
		return "cannot run"
	case res.Error != "":
		return "died"
	case !res.Valid:
		return "not valid"
	}
	if res.Test == rfc2544.NameStreams {
		return "valid"
	}
	return fmt.Sprintf("%d trials", len(res.Trials))
}

func valueTable(res *result.Result) *tableView {
	t := &tableView{Caption: "Values", Head: []string{"name", "value", "lower", "upper", "unit", "n", "better"}, Words: []string{"unit", "better"}}
	number := func(v *float64) string {
		if v == nil {
			return show.None
		}
		return show.Digits(*v, show.Thin)
	}
	for i := range res.Values {
		v := &res.Values[i]
		better := show.None
		switch {
		case v.Better > 0:
			better = "higher"
		case v.Better < 0:
			better = "lower"
		}
		t.Rows = append(t.Rows, []string{strictjson.Clean(v.Name), number(&v.Value), number(v.Lower), number(v.Upper), strictjson.Clean(v.Unit), fmt.Sprint(v.N), better})
	}
	return t
}

// trialColumns are the columns of a table of trials; columns without data are left out.
var trialColumns = []struct {
	name string
	text func(*rfc2544.Observation) string
}{
	{"load kfps", func(o *rfc2544.Observation) string {
		if o.IntendedLoad.IsFlood() {
			return "max"
		}
		return show.Kilo(float64(o.IntendedLoad))
	}},
	{"for", func(o *rfc2544.Observation) string { return show.Span(o.Duration) }},
	{"intended", func(o *rfc2544.Observation) string { return show.Count(o.Intended) }},
	{"offered", func(o *rfc2544.Observation) string { return show.Count(o.Offered) }},
	{"received", func(o *rfc2544.Observation) string { return show.Count(o.Received) }},
	{"lost", func(o *rfc2544.Observation) string { return show.Count(o.Lost) }},
	{"loss", func(o *rfc2544.Observation) string { return show.Percent(o.LossRatio()) }},
	{"loss by direction", func(o *rfc2544.Observation) string {
		var parts []string
		for _, d := range o.Directions {
			parts = append(parts, strictjson.Clean(d.Direction)+" "+show.Percent(d.LossRatio()))
		}
		return cmp.Or(strings.Join(parts, ", "), show.None)
	}},
	{"late", func(o *rfc2544.Observation) string { return show.Count(o.Late) }},
	{"duplicated", func(o *rfc2544.Observation) string { return show.Count(o.Duplicated) }},
	{"reordered", func(o *rfc2544.Observation) string { return show.Count(o.Reordered) }},
	{"corrupted", func(o *rfc2544.Observation) string { return show.Count(o.Corrupted) }},
	{"stale", func(o *rfc2544.Observation) string { return show.Count(o.Stale) }},
	{"foreign", func(o *rfc2544.Observation) string { return show.Count(o.Foreign) }},
	{"p50 µs", func(o *rfc2544.Observation) string { return percentileText(o.Latency, 50) }},
	{"p99 µs", func(o *rfc2544.Observation) string { return percentileText(o.Latency, 99) }},
	{"quiet p99 µs", func(o *rfc2544.Observation) string { return percentileText(o.LatencyQuiet, 99) }},
	{"sent late p99 µs", func(o *rfc2544.Observation) string { return percentileText(o.Lateness, 99) }},
	{"cpu ns", func(o *rfc2544.Observation) string { return maybe(o.CPUPerFrame) }},
	{"process ns", func(o *rfc2544.Observation) string { return maybe(o.ProcessCPU) }},
	{"user ns", func(o *rfc2544.Observation) string { return maybe(o.UserCPU) }},
	{"stalls", func(o *rfc2544.Observation) string { return fmt.Sprint(len(o.Stalls)) }},
	{"stalled", func(o *rfc2544.Observation) string { return show.Span(charts.StallSum(o)) }},
	{"paused", func(o *rfc2544.Observation) string { return show.Span(o.Paused) }},
	{"dropped at", func(o *rfc2544.Observation) string { return dropText(o) }},
	{"verdict", func(o *rfc2544.Observation) string {
		return strings.Join(append([]string{charts.Verdicts[charts.VerdictOf(o)].Name}, cleanAll(append(o.Invalid.Texts(), o.Warnings...))...), "; ")
	}},
}

func percentileText(d *rfc2544.Distribution, percentile int) string {
	switch {
	case d == nil:
		return show.None
	case percentile == 50:
		return show.Micros(d.P50)
	}
	return show.Micros(d.P99)
}

func maybe(v *float64) string {
	if v == nil {
		return show.None
	}
	return show.Fixed(*v, 0, show.Thin)
}

func dropText(o *rfc2544.Observation) string {
	var parts []string
	add := func(place string, n int64) {
		if n != 0 {
			parts = append(parts, strictjson.Clean(place)+" "+show.Fixed(float64(n), 0, show.Thin))
		}
	}
	for _, d := range o.Drops.Once() {
		add(d.Place(), d.Frames)
	}
	add(charts.Unexplained, o.Unexplained)
	return cmp.Or(strings.Join(parts, ", "), show.None)
}

func cleanAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = strictjson.Clean(s)
	}
	return out
}

func trialTable(res *result.Result) *tableView {
	t := &tableView{Caption: "Trials, in the order they ran; columns in which all is zero or unknown are left out", Head: []string{"#"}, Words: []string{"loss by direction", "dropped at", "verdict"}}
	for i := range res.Trials {
		t.Rows = append(t.Rows, []string{fmt.Sprint(i + 1)})
	}
	for _, column := range trialColumns {
		cells := make([]string, len(res.Trials))
		telling := false
		for i := range res.Trials {
			cells[i] = column.text(&res.Trials[i])
			telling = telling || cells[i] != "0" && cells[i] != show.None
		}
		if !telling {
			continue
		}
		t.Head = append(t.Head, column.name)
		for i := range t.Rows {
			t.Rows[i] = append(t.Rows[i], cells[i])
		}
	}
	return t
}
