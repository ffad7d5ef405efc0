package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// headline is one statement of the first screen: what it is about, the device,
// and the sentence.
type headline struct {
	Topic, Name, Text string
	Failed            bool
}

// headlines say in words what the matrix shows: the fastest of each kind at the
// smallest size, and who could not take part.
func headlines(m *matrix) []headline {
	var out []headline
	for _, k := range []struct{ kind, topic string }{{result.KindPlain, "Fastest plain tunnel"}, {result.KindSealed, "Fastest sealed tunnel"}} {
		if h, ok := fastest(m, k.kind, k.topic); ok {
			out = append(out, h)
		}
	}
	for _, r := range m.rows {
		for _, c := range r.cells {
			switch {
			case c.unsupport:
				out = append(out, headline{"Could not run here", r.label, strictjson.Clean(c.reason), true})
			case c.died:
				out = append(out, headline{"Died at " + sizeText(c.size), r.label, strictjson.Clean(c.reason), true})
			}
		}
	}
	return slices.Compact(out)
}

// fastest compares the valid rates of a kind at the smallest frame size.
func fastest(m *matrix, kind, topic string) (headline, bool) {
	var best, second *cell
	var name, runnerUp string
	present := false
	for i := range m.rows {
		r := &m.rows[i]
		if r.kind != kind {
			continue
		}
		present = true
		c := &r.cells[0]
		switch {
		case c.rate == nil || !c.valid:
		case best == nil || c.rate.Value > best.rate.Value:
			second, runnerUp = best, name
			best, name = c, r.label
		case second == nil || c.rate.Value > second.rate.Value:
			second, runnerUp = c, r.label
		}
	}
	if !present {
		return headline{}, false
	}
	topic += " at " + sizeText(m.sizes[0])
	if best == nil {
		return headline{topic, "none", "no tunnel of this kind has a valid rate at this size", false}, true
	}
	text := fmt.Sprintf("%s frames/s, %s"+show.Nbsp+"Mbit/s", show.Fixed(best.rate.Value, 0, show.Thin), show.Digits(megabits(best.rate.Value, best.size), show.Thin))
	if share := best.shareText(); share != show.None {
		text += ", " + share + " of routing without a tunnel"
	}
	if best.limitedBy != "" && best.limitedBy != result.LimitedByDUT {
		text += "; held back by the " + strictjson.Clean(best.limitedBy) + ", so it may be faster still"
	}
	if second != nil {
		text += lead(best.rate, second.rate, runnerUp)
	}
	return headline{topic, name, text + ".", false}, true
}

// lead sets the best against the second, and claims nothing that the bounds do not show.
func lead(best, second *rfc2544.Value, name string) string {
	if best.Lower != nil && second.Upper != nil && *best.Lower <= *second.Upper {
		return "; not clearly ahead of " + name + ", their bounds overlap"
	}
	if second.Value <= 0 {
		return ""
	}
	return "; " + show.Fixed(best.Value/second.Value, 2, "") + " times " + name
}

// summary says what was measured, in one sentence.
func summary(r *result.Results, m *matrix) string {
	var tunnels, calibration []string
	for _, row := range m.rows {
		if row.kind == result.KindCalibration {
			calibration = append(calibration, row.label)
		} else {
			tunnels = append(tunnels, row.label)
		}
	}
	text := "Measured " + list(tunnels)
	if len(calibration) > 0 {
		text += ", calibrated by " + list(calibration)
	}
	sizes := make([]string, len(m.sizes))
	for i, s := range m.sizes {
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

// deviations name every respect in which the run is not what RFC 2544 asks for,
// by what was measured and not by what the profile is called.
func deviations(r *result.Results, m *matrix) []string {
	var out []string
	if m.rate != "throughput" {
		out = append(out, "The rate is the "+rateTitle(m.rate)+". Throughput (section 26.1) is the rate at which no frame is lost in a trial of 60 s.")
	}
	out = append(out, shortfallLines(r)...)
	var missing []string
	for _, s := range conformance.Missing(r, conformance.StandardSizes()) {
		missing = append(missing, strconv.Itoa(int(s)))
	}
	if len(missing) > 0 {
		out = append(out, "Frame sizes not measured: "+list(missing)+" bytes (section 9.1 names seven).")
	}
	if slices.ContainsFunc(m.rows, func(r row) bool { return r.direction == rfc2544.Forward }) {
		out = append(out, "Traffic flows forward only, left to right; section 14 asks for both directions as well.")
	}
	if slices.ContainsFunc(m.rows, func(r row) bool { return r.direction == rfc2544.Reverse }) {
		out = append(out, "Traffic flows in reverse only, right to left; section 14 asks for both directions as well.")
	}
	return out
}

// shortfallLines are the shortfalls of all results, each test's once.
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

// doubts are what a reader has to know of a result: why there is none, and remarks.
func doubts(res *result.Result) (out []string) {
	for _, text := range []string{res.Unsupported, res.Error} {
		if text != "" {
			out = append(out, strictjson.Clean(text))
		}
	}
	return append(out, remarks(res)...)
}

// remarks are a result's shortfalls from its RFC, and warnings.
func remarks(res *result.Result) (out []string) {
	if isRFC(res.Test) {
		for _, s := range res.Shortfalls {
			out = append(out, result.ShortfallText(s))
		}
	}
	return append(out, cleanAll(res.Warnings)...)
}
