package reports

import (
	"encoding/csv"
	"encoding/xml"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/junit"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

func TestFormats(t *testing.T) {
	for _, name := range Formats() {
		data, err := Format(name, []*result.Results{resulttest.Small(), resulttest.Small()})
		if err != nil {
			t.Fatal(err)
		}
		resulttest.Golden(t, "small."+name, data)
	}
	if _, err := Format("pdf", nil); err == nil || !strings.Contains(err.Error(), "benchfmt") {
		t.Error(err)
	}
}

// Hostile names do not change the number of lines, fields and elements in any format.
func TestFormatsKeepTheirShape(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"<b>", "|", "\n", "\"", ",", "=cmd()", "@x", "]]>", "&amp;", "\x00", " ", "`", "\u202e", "+1", "é"}
	hostile := func() string {
		var b strings.Builder
		for range 1 + rng.IntN(5) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		return b.String()
	}
	shape := func(r *result.Results) (lines, fields, cases int) {
		md, _ := Format("md", []*result.Results{r})
		text, _ := Format("csv", []*result.Results{r})
		bench, _ := Format("benchfmt", []*result.Results{r})
		file, _ := Format("junit", []*result.Results{r})
		rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+@", rune(cell[0])) {
					t.Fatalf("a spreadsheet takes %q for a formula", cell)
				}
			}
		}
		var suites junit.Suites
		if err := xml.Unmarshal(file, &suites); err != nil {
			t.Fatalf("%v: %s", err, file)
		}
		if strings.Contains(string(md), "<") {
			t.Fatalf("%s", md)
		}
		return strings.Count(string(md), "\n") + strings.Count(string(bench), "\n"), len(rows), len(suites.Suite.Cases)
	}
	l, f, c := shape(resulttest.Small())
	for range 2000 {
		r := resulttest.Small()
		r.Host.CPU, r.Host.Kernel, r.Profile, r.Tool.Commit = hostile(), hostile(), hostile(), hostile()
		name := hostile()
		for i := range r.Results {
			r.Results[i].DUT += name
			r.Results[i].Warnings = append(r.Results[i].Warnings, hostile())
		}
		if l2, f2, c2 := shape(r); l2 != l || f2 != f || c2 != c {
			t.Fatalf("%d lines, %d rows, %d cases, not %d, %d, %d", l2, f2, c2, l, f, c)
		}
	}
}
