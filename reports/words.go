package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// headline is a statement at the top of the page.
type headline struct {
	Topic, Name, Text string
	Failed            bool
}

// headlines returns the fastest device of each kind, and the devices that could not run.
func headlines(m *matrix.Matrix) []headline {
	var out []headline
	for _, k := range []struct{ kind, topic string }{{result.KindPlain, "Fastest plain tunnel"}, {result.KindSealed, "Fastest sealed tunnel"}} {
		if h, ok := fastest(m, k.kind, k.topic); ok {
			out = append(out, h)
		}
	}
	for _, r := range m.Rows {
		for _, c := range r.Cells {
			switch {
			case c.Unsupport:
				out = append(out, headline{"Could not run here", r.Label, strictjson.Clean(c.Reason), true})
			case c.Died:
				out = append(out, headline{"Died at " + charts.SizeText(c.Size), r.Label, strictjson.Clean(c.Reason), true})
			}
		}
	}
	return slices.Compact(out)
}

// fastest compares the valid rates of a kind at the smallest frame size.
func fastest(m *matrix.Matrix, kind, topic string) (headline, bool) {
	var best, second *matrix.Cell
	var name, runnerUp string
	present := false
	for i := range m.Rows {
		r := &m.Rows[i]
		if r.Kind != kind {
			continue
		}
		present = true
		c := &r.Cells[0]
		switch {
		case c.Rate == nil || !c.Valid:
		case best == nil || c.Rate.Value > best.Rate.Value:
			second, runnerUp = best, name
			best, name = c, r.Label
		case second == nil || c.Rate.Value > second.Rate.Value:
			second, runnerUp = c, r.Label
		}
	}
	if !present {
		return headline{}, false
	}
	topic += " at " + charts.SizeText(m.Sizes[0])
	if best == nil {
		return headline{topic, "none", "no tunnel of this kind has a valid rate at this size", false}, true
	}
	text := fmt.Sprintf("%s frames/s, %s"+show.Nbsp+"Mbit/s", show.Fixed(best.Rate.Value, 0, show.Thin), show.Digits(matrix.Megabits(best.Rate.Value, best.Size), show.Thin))
	if share := best.ShareText(); share != show.None {
		text += ", " + share + " of routing without a tunnel"
	}
	if best.LimitedBy != "" && best.LimitedBy != result.LimitedByDUT {
		text += "; held back by the " + strictjson.Clean(best.LimitedBy) + ", so it may be faster still"
	}
	if second != nil {
		text += lead(best.Rate, second.Rate, runnerUp)
	}
	return headline{topic, name, text + ".", false}, true
}

// lead compares the best rate with the second. It claims no lead if their bounds overlap.
func lead(best, second *rfc2544.Value, name string) string {
	if best.Lower != nil && second.Upper != nil && *best.Lower <= *second.Upper {
		return "; not clearly ahead of " + name + ", their bounds overlap"
	}
	if second.Value <= 0 {
		return ""
	}
	return "; " + show.Fixed(best.Value/second.Value, 2, "") + " times " + name
}

// summary describes the measurement in one sentence.
func summary(r *result.Results, m *matrix.Matrix) string {
	var tunnels, calibration []string
	for _, row := range m.Rows {
		if row.Kind == result.KindCalibration {
			calibration = append(calibration, row.Label)
		} else {
			tunnels = append(tunnels, row.Label)
		}
	}
	text := "Measured " + list(tunnels)
	if len(calibration) > 0 {
		text += ", calibrated by " + list(calibration)
	}
	sizes := make([]string, len(m.Sizes))
	for i, s := range m.Sizes {
		sizes[i] = strconv.Itoa(int(s))
	}
	text += ", with frames of " + list(sizes) + " bytes"
	if d := r.Ended.Sub(r.Started); d > 0 && !r.Started.IsZero() {
		text += ", in " + d.Round(time.Second).String()
	}
	return text + "."
}

func list(words []string) string {
	switch len(words) {
	case 0:
		return "nothing"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// deviations lists how the measured data deviate from RFC 2544.
func deviations(r *result.Results, m *matrix.Matrix) []string {
	var out []string
	if m.Rate != "throughput" {
		out = append(out, "The rate is the "+matrix.RateTitle(m.Rate)+". Throughput (section 26.1) is the rate at which no frame is lost in a trial of 60 s.")
	}
	out = append(out, shortfallLines(r)...)
	var missing []string
	for _, s := range conformance.Missing(r, conformance.StandardSizes()) {
		missing = append(missing, strconv.Itoa(int(s)))
	}
	if len(missing) > 0 {
		out = append(out, "Frame sizes not measured: "+list(missing)+" bytes (section 9.1 names seven).")
	}
	if slices.ContainsFunc(m.Rows, func(r matrix.Row) bool { return r.Direction == rfc2544.Forward }) {
		out = append(out, "Traffic flows forward only, left to right; section 14 asks for both directions as well.")
	}
	if slices.ContainsFunc(m.Rows, func(r matrix.Row) bool { return r.Direction == rfc2544.Reverse }) {
		out = append(out, "Traffic flows in reverse only, right to left; section 14 asks for both directions as well.")
	}
	return out
}

// shortfallLines returns the shortfalls of all results, once per test.
func shortfallLines(r *result.Results) (lines []string) {
	for i := range r.Results {
		title := strictjson.Clean(r.Results[i].Test)
		if t, ok := rfc2544.Find(r.Results[i].Test); ok {
			title = t.Title
		}
		for _, s := range r.Results[i].Shortfalls {
			if line := title + ": " + result.ShortfallText(s) + "."; !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// doubts returns why a result is missing or doubtful, followed by its remarks.
func doubts(res *result.Result) (out []string) {
	for _, text := range []string{res.Unsupported, res.Error} {
		if text != "" {
			out = append(out, strictjson.Clean(text))
		}
	}
	return append(out, remarks(res)...)
}

// remarks returns a result's shortfalls from its RFC and its warnings.
func remarks(res *result.Result) (out []string) {
	if matrix.IsRFC(res.Test) {
		for _, s := range res.Shortfalls {
			out = append(out, result.ShortfallText(s))
		}
	}
	return append(out, cleanAll(res.Warnings)...)
}
