package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

func TestFuzzTable(t *testing.T) { resulttest.Golden(t, "fuzz.txt", []byte(Table(fixture()))) }

func TestFuzzTableLinesUp(t *testing.T) {
	f := fixture()
	f.Targets[1].Name = strings.Repeat("n", 40)
	lines := strings.Split(Table(f), "\n")
	column := utf8.RuneCountInString(lines[0][:strings.Index(lines[0], "verdict")])
	for _, line := range lines[1:4] {
		if runes := []rune(line); len(runes) <= column || runes[column-1] != ' ' || runes[column] == ' ' {
			t.Errorf("the last column of %q does not start at %d", line, column)
		}
	}
}

func TestFuzzTableSays(t *testing.T) {
	text := Table(fixture())
	for _, want := range []string{
		"finding 9c1d7b3f2a04 of header: oracle panic: runtime error: index out of range [5] with length 3\n",
		"  place      reference/header.go:42 reference.Parse\n",
		"  place      $GOROOT/src/bytes/buffer.go:249 bytes.growSlice\n", // no frame of the module: the innermost
		"  found      3 times, first after 1.20 s, 2.30 s CPU\n",
		"  reproduce  tunnelbench fuzz repro --target header fuzz/wire/testdata/fuzz/FuzzHeader/582528ddfad69eb5\n",
		"config: not attacked to the end: the engine ended: exit status 2: out of memory\n",
		"2 findings in 1 of 3 targets; 1269134 executions, 3m56s of CPU time\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Line shows the same numbers during a campaign as the table at its end.
func TestFuzzLine(t *testing.T) {
	f := fixture()
	for i, want := range []string{
		"header           1234567 executions, 20576 per s, 118.0 s CPU, corpus of 41: 2 findings\n",
		"decap            34567 executions, 576 per s, 118.0 s CPU, corpus of 380: no finding\n",
		"config           0 executions, – per s, 0 CPU, corpus of 0: not attacked to the end\n",
	} {
		line := Line(f.Targets[i])
		if first, _, _ := strings.Cut(line, "\n"); first+"\n" != want {
			t.Errorf("got %q, want %q", first, want)
		}
		for block := range strings.SplitSeq(blocks(&f.Targets[i], "\x00"), "\x00") {
			if !strings.Contains(line, block) || !strings.Contains(Table(f), block) {
				t.Errorf("no %q below the line, or none in the table", block)
			}
		}
	}
}

func TestFuzzTextIsSafeForATerminal(t *testing.T) {
	for _, name := range resulttest.Hostile {
		f := hostileCampaign(name)
		text := Table(f) + Line(f.Targets[0])
		if strings.ContainsAny(text, "\x1b\x00\x07\r\u202e") || !utf8.ValidString(text) {
			t.Errorf("%q reaches the terminal as it stands", name)
		}
		if lines, plain := strings.Count(text, "\n"), strings.Count(Table(hostileCampaign("a"))+Line(hostileCampaign("a").Targets[0]), "\n"); lines != plain {
			t.Errorf("%q: %d lines, want %d", name, lines, plain)
		}
	}
}

func TestFuzzVerdict(t *testing.T) {
	whole := fixture().Targets[1:2]
	for _, c := range []struct {
		targets []Target
		want    string
	}{
		{nil, "No verdict: nothing was attacked"},
		{whole, "No finding in 1 target"},
		{fixture().Targets[1:], "No verdict: 1 of 2 targets not attacked to the end"},
		{fixture().Targets, "2 findings in 1 of 3 targets"},
	} {
		if got := (&Campaign{Targets: c.targets}).Verdict(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	broken := fixture().Targets[0]
	broken.Error = "stopped"
	if got := broken.Verdict(); got != "not attacked to the end, 2 findings" {
		t.Errorf("got %q", got)
	}
}

// Sums of the counts that a file may claim neither overflow nor become negative.
func TestFuzzTotalsDoNotWrap(t *testing.T) {
	f := crowd(3)
	for i := range f.Targets {
		f.Targets[i].Executions, f.Targets[i].CPUTime = 1<<63-1, 1<<63-1
	}
	sum := TotalsOf(f)
	if sum.Executions < 2e19 || sum.CPU < 2e19 || strings.Contains(f.effort(), "-") || strings.Contains(f.effort(), show.Minus) {
		t.Errorf("%+v: %s", sum, f.effort())
	}
}

func TestFirstFindIsTheEarliest(t *testing.T) {
	target := fixture().Targets[0]
	target.Findings[0], target.Findings[1] = target.Findings[1], target.Findings[0]
	if got := target.firstFind(); got != "1.20"+show.Nbsp+"s, 2.30"+show.Nbsp+"s CPU" {
		t.Errorf("got %q", got)
	}
}
