package reports

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// suiteResults is a run with every test of the RFCs, whole or cut short.
func suiteResults(short bool) *result.Results {
	suffix, warnings := "", []string{"a remark"}
	if short {
		suffix, warnings = rfc2544.Short, []string{"a remark", "it is cut short: a trial of 1s instead of 1m0s (RFC 2544 section 24)"}
	}
	mol := rfc2544.Rate(1.2e6)
	r := resulttest.Fixture()
	r.Profile, r.Link = "full", rfc2544.Gigabit
	r.Calibration = []result.Calibration{{FrameSize: 64, MOL: &mol}}
	r.Command = []string{"tunnelbench", "run", "--profile", "full"}
	r.Results = nil
	add := func(test string, names ...string) {
		res := result.Result{DUT: "vxlan", Kind: result.KindPlain, Test: test, FrameSize: 64, Direction: rfc2544.Both, Valid: true, Warnings: warnings}
		for i, name := range names {
			if test != rfc2544.NameRate {
				name += suffix
			}
			lower := 9e5 + float64(i)
			res.Values = append(res.Values, rfc2544.Value{Name: name, Unit: "fps", Value: 1e6 + float64(i), Lower: &lower, N: 20, Better: 1})
		}
		for _, percent := range []float64{100, 50} {
			o := rfc2544.Observation{
				IntendedLoad: rfc2544.Rate(percent/100) * r.Link.MaxFrameRate(64),
				Counts:       rfc2544.Counts{Intended: 100, Offered: 100, Received: uint64(150 - percent), Lost: uint64(percent - 50)},
				Duration:     time.Minute, Valid: true, Drops: map[string]int64{}, Stalls: []rfc2544.Stall{}, Warnings: []string{},
				Tags: []time.Duration{1000, rfc2544.TagLost}, Variation: &rfc2544.Variation{N: 1, Min: -5, Median: 0, Max: 5},
				LongestGap: &rfc2544.Gap{At: 1, Length: 2}, OutOfSequence: 3,
			}
			last := 5 * time.Second
			o.LastLost = &last
			res.Trials = append(res.Trials, o)
		}
		r.Results = append(r.Results, res)
	}
	add(rfc2544.NameRate, "ndr", "pdr")
	add(rfc2544.NameThroughput, "throughput")
	add(rfc2544.NameNetworks, "throughput_256_networks")
	add(rfc2544.NameDelay, "latency", "latency_typical", "latency_worst_case", "pdv", "ipdv_min", "ipdv_median", "ipdv_max")
	add(rfc2544.NameLossRate, "frame_loss_rate", "frame_loss_rate_100", "frame_loss_rate_50")
	add(rfc2544.NameBackToBack, "back_to_back", "back_to_back_min", "back_to_back_max", "back_to_back_stddev", "buffer_time")
	add(rfc2544.NameRecovery, "recovery_time")
	add(rfc2544.NameBursts, "burst_gap_16")
	for _, kind := range rfc2544.ResetKinds() {
		add(kind.Test(), "reset_time", "reset_time_timestamp", "reset_loss")
	}
	add(rfc2544.NameScale, "throughput_1_tunnel", "throughput_8_tunnels", "throughput_degradation")
	return r
}

// Every clause has evidence, a deviation or a reason, whatever was run; and what
// is said to be evidence can be found in the page.
func TestConformanceIsComplete(t *testing.T) {
	var ids []string
	for section, n := range map[string]int{"E": 25, "M": 6, "T": 10, "P": 17} {
		for i := range n {
			ids = append(ids, fmt.Sprintf("%s%d", section, i+1))
		}
	}
	for name, r := range map[string]*result.Results{
		"quick": resulttest.Fixture(), "full": suiteResults(false), "ci": suiteResults(true), "nothing": {Schema: result.Schema},
		"IPv6": func() *result.Results { r := suiteResults(false); r.Command = append(r.Command, "--ip", "6"); return r }(),
	} {
		var page bytes.Buffer
		if err := HTML(&page, r); err != nil {
			t.Fatal(err)
		}
		view := conformance(r, "")
		var seen []string
		for _, row := range view.Rows {
			seen = append(seen, row.ID)
			if row.Ruling == "" || row.Source == "" || row.Text == "" || !slices.Contains([]string{levelMust, levelShould, levelDescribed}, row.Level) {
				t.Errorf("%s, %s: %+v", name, row.ID, row)
			}
			if row.Standing == clauseMet && len(row.Links) == 0 {
				t.Errorf("%s, %s: met, and nothing shows it", name, row.ID)
			}
			for _, l := range row.Links {
				if !strings.Contains(page.String(), `id="`+strings.TrimPrefix(l.Href, "#")+`"`) {
					t.Errorf("%s, %s: %s leads nowhere", name, row.ID, l.Href)
				}
			}
		}
		for _, id := range ids {
			if n := len(slices.DeleteFunc(slices.Clone(seen), func(s string) bool { return s != id })); n != 1 {
				t.Errorf("%s: clause %s stands %d times in the table", name, id, n)
			}
		}
	}
}

// A run in full meets what it measures; what was cut short deviates and says how.
func TestConformanceTells(t *testing.T) {
	standing := func(r *result.Results, id string) clauseView {
		for _, row := range conformance(r, "").Rows {
			if row.ID == id {
				return row
			}
		}
		t.Fatalf("no clause %s", id)
		return clauseView{}
	}
	for _, id := range []string{"P1", "P2", "P4", "P6", "P7", "P8", "P9", "P11", "P12", "P15", "M5", "E19", "E21"} {
		if row := standing(suiteResults(false), id); row.Standing != clauseMet {
			t.Errorf("%s in full: %s, %s", id, row.Standing, row.Ruling)
		}
		if row := standing(resulttest.Fixture(), id); id != "E21" && row.Standing != clauseNotApply {
			t.Errorf("%s in a quick run: %s, %s", id, row.Standing, row.Ruling)
		}
		row := standing(suiteResults(true), id)
		if id != "E21" && (row.Standing != clauseDeviated || !strings.Contains(row.Ruling, "1s instead of 1m0s")) {
			t.Errorf("%s cut short: %s, %s", id, row.Standing, row.Ruling)
		}
	}
	r := suiteResults(false)
	for i := range r.Results {
		if r.Results[i].Test == rfc2544.NameBackToBack {
			r.Results[i].Values, r.Results[i].Trials = nil, nil
		}
	}
	if row := standing(r, "P9"); row.Standing != clauseNotApply {
		t.Errorf("P9 of a device as fast as the link: %+v", row)
	}
}

// The page and the text have the RFC's tests, each in its table.
func TestRFCTables(t *testing.T) {
	r := suiteResults(true)
	var page, text bytes.Buffer
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&text, r, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Back-to-back frames (RFC 9004)", "latency worst case (short)", "Throughput against frame size (RFC 2544, 26.1)", "Frame loss rate (RFC 2544, 26.3)", "load, % of R"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, want := range []string{"System recovery (RFC 2544, 26.5)", "recovery_time_short", "throughput_degradation_short"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q", want)
		}
	}
	m := newMatrix(r)
	if len(m.rows) != 1 || m.rows[0].cells[0].rate == nil || m.rows[0].cells[0].rate.Name != m.rate || m.rate != "pdr" {
		t.Errorf("matrix %+v of %s", m.rows, m.rate)
	}
	if line := Line(&r.Results[1]); line != "vxlan, 64 bytes, throughput: throughput_short 1000.0 kfps (≥900.0)" {
		t.Errorf("line %q", line)
	}
}
