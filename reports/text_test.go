package reports

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestTextGolden(t *testing.T) {
	for _, c := range []struct {
		file   string
		colour bool
	}{{"table.txt", false}, {"table-colour.txt", true}} {
		var b bytes.Buffer
		if err := WriteText(&b, resulttest.Fixture(), c.colour); err != nil {
			t.Fatal(err)
		}
		resulttest.Golden(t, c.file, b.Bytes())
	}
}

func TestTextColumnsLineUp(t *testing.T) {
	var b bytes.Buffer
	if err := WriteText(&b, resulttest.Fixture(), false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	column := utf8.RuneCountInString(lines[0][:strings.Index(lines[0], "limited by")])
	rows := 0
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, "rate:") {
			break
		}
		if line == "" {
			continue
		}
		rows++
		runes := []rune(line)
		if len(runes) <= column || runes[column-1] != ' ' || runes[column] == ' ' {
			t.Errorf("the last column of %q does not start at %d", line, column)
		}
	}
	if rows != 21 {
		t.Errorf("%d rows, want 7 devices x 3 sizes", rows)
	}
}

// TestRowsWhileRunning prints rows while results arrive; the share of plain appears once plain is
// known.
func TestRowsWhileRunning(t *testing.T) {
	all := resulttest.Fixture()
	var b bytes.Buffer
	table := NewTable(&b, []string{"wire", "plain", "vxlan", strings.Repeat("n", 40)}, false)
	if err := table.Header(); err != nil {
		t.Fatal(err)
	}
	sofar := *all
	for n, dut := range []string{"wire", "plain", "vxlan"} {
		sofar.Results = all.Results[:2*n+2]
		if err := table.Row(&sofar, dut, 64); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Row(&sofar, "nobody", 64); err != nil {
		t.Fatal(err)
	}
	if err := table.Row(&sofar, "wire", 65); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[3], "51 %") || strings.Contains(lines[1], "%") {
		t.Errorf("got\n%s", b.String())
	}
}

func TestTextIsSafeForATerminal(t *testing.T) {
	for _, name := range resulttest.Hostile {
		var b bytes.Buffer
		if err := WriteText(&b, resulttest.HostileFixture(name), false); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); strings.ContainsAny(text, "\x1b\x00\x07\r\u202e") || !utf8.ValidString(text) {
			t.Errorf("%q reaches the terminal as it stands", name)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestTextReportsWriteErrors(t *testing.T) {
	if err := WriteText(full{}, resulttest.Fixture(), false); err == nil {
		t.Error("the error got lost")
	}
	if err := HTML(full{}, resulttest.Fixture()); err == nil {
		t.Error("the error got lost")
	}
}

func TestHeadlines(t *testing.T) {
	r := resulttest.Fixture()
	got := map[string]headline{}
	for _, h := range headlines(matrix.NewMatrix(r)) {
		got[h.Name] = h
	}
	for name, want := range map[string]string{
		"reference":      "63" + show.Nbsp + "% of routing without a tunnel; 1.25 times vxlan.",
		"wireguard-go":   "1.86 times exec:my tunnel.",
		"exec:gre.sh":    "unknown link type gre",
		"exec:my tunnel": "slice bounds out of range",
	} {
		if !strings.Contains(got[name].Text, want) {
			t.Errorf("%s: %q, want %q", name, got[name].Text, want)
		}
	}
}

// rateOf returns a rate result of a plain tunnel with bounds.
func rateOf(dut string, lower, upper float64) result.Result {
	return result.Result{DUT: dut, Kind: result.KindPlain, Test: "rate", FrameSize: 64, Valid: true, LimitedBy: result.LimitedByDUT,
		Values: []rfc2544.Value{{Name: "pdr", Unit: "fps", Value: lower, Lower: &lower, Upper: &upper, N: 1, Better: 1}}}
}

func TestHeadlineClaimsOnlyWhatTheBoundsShow(t *testing.T) {
	say := func(rs ...result.Result) string {
		return headlines(matrix.NewMatrix(&result.Results{Results: rs}))[0].Text
	}
	if got := say(rateOf("a", 1000, 1010), rateOf("b", 995, 1005)); !strings.Contains(got, "not clearly ahead of b") {
		t.Errorf("overlapping bounds: %q", got)
	}
	if got := say(rateOf("a", 1000, 1010), rateOf("b", 500, 505)); !strings.Contains(got, "2.00 times b") {
		t.Errorf("clear lead: %q", got)
	}
	bad := rateOf("a", 1000, 1010)
	bad.Valid = false
	if got := say(bad); !strings.Contains(got, "no tunnel of this kind has a valid rate") {
		t.Errorf("an invalid result wins: %q", got)
	}
	held := rateOf("a", 1000, 1010)
	held.LimitedBy = result.LimitedByTester
	if got := say(held); !strings.Contains(got, "held back by the tester") {
		t.Errorf("tester-limited: %q", got)
	}
}

func TestDeviations(t *testing.T) {
	r := resulttest.Fixture()
	text := strings.Join(deviations(r, matrix.NewMatrix(r)), "\n")
	for _, want := range []string{"partial drop rate", "Rates: trial duration: 1s instead of 1m0s (RFC 2544 section 24)", "128, 256, 1024 and 1280", "forward only", "Latency: runs: 3 instead of 20", "load: half of the rate found instead of the throughput"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	strict := &result.Results{}
	for _, s := range conformance.StandardSizes() {
		res := rateOf("a", 100, 101)
		res.FrameSize, res.Direction, res.Values[0].Name = s, "both", "throughput"
		strict.Results = append(strict.Results, res)
	}
	if got := deviations(strict, matrix.NewMatrix(strict)); len(got) != 0 {
		t.Errorf("a run as RFC 2544 asks deviates: %q", got)
	}
}

func TestBounds(t *testing.T) {
	v := rateOf("a", 1000, 2000).Values[0]
	whole := func(x float64) string { return show.Fixed(x, 0, "") }
	if got := matrix.Bounds(&v, whole); got != "1000–2000" {
		t.Errorf("got %q", got)
	}
	v.Upper = nil
	if got := matrix.Bounds(&v, whole); got != "≥"+show.Thin+"1000" {
		t.Errorf("got %q", got)
	}
	v.Lower, v.Upper = nil, &v.Value
	if got := matrix.Bounds(&v, whole); got != "≤"+show.Thin+"1000" {
		t.Errorf("got %q", got)
	}
}
