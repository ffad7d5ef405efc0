package gate

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// oneLine is a history of one run with one metric.
func oneLine(t *testing.T) string {
	t.Helper()
	slowdown, lower, upper := 0.0, -0.1, 0.1
	line, err := HistoryLine(&Report{Verdict: Pass, Metrics: []Metric{
		{ID: "x", Better: 1, Verdict: Pass, Series: []Series{{Slowdown: &slowdown, Lower: &lower, Upper: &upper}}},
	}}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(line))
}

func TestBadHistoryIsOneLine(t *testing.T) {
	t.Parallel()
	line := oneLine(t)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "has no line"},
		{"an empty object", line + "\n{}\n", "line 2"},
		{"not JSON", line + "\nnonsense", "line 2"},
		{"a later schema", strings.Replace(line, `history/1`, `history/2`, 1), "/schema"},
		{"a negative ratio", strings.Replace(line, `"ratio":1`, `"ratio":-1`, 1), "/metrics/0/ratio"},
		{"not a number", strings.Replace(line, `"ratio":1`, `"ratio":NaN`, 1), "line 1"},
		{"outside of its bounds", strings.Replace(line, `"ratio":1`, `"ratio":3`, 1), "not within"},
		{"an unknown verdict", strings.Replace(line, `"verdict":"pass","pairs"`, `"verdict":"fine","pairs"`, 1), "/verdict"},
		{"a key twice", strings.Replace(line, `"base":""`, `"base":"","base":""`, 1), "base"},
		{"more lines than are read, all torn", strings.Repeat(line[:20]+"\n", mostHistoryLines+1), "has more than 100000 lines"},
		{"and in one line", line + strings.Repeat(line[:20], mostHistoryLines), "has more than 100000 lines"},
		{"a long line", line + "\n" + strings.Repeat("x", mostHistoryLine+1), "line 2: is longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := ReadHistory([]byte(c.text), "h.jsonl")
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "h.jsonl: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%.60q: %v, want %q", c.text, err, c.want)
			}
		})
	}
}

// A writer may be killed, a disk may be full, and a machine may lose its power: what is whole is read.
func TestTornLinesAreLeftOut(t *testing.T) {
	t.Parallel()
	line := oneLine(t)
	for _, c := range []struct {
		name, text string
		runs       int
		torn       []int
	}{
		{"no newline at the end", line + "\n" + line, 2, nil},
		{"a torn last line", line + "\n" + line[:len(line)/2], 1, []int{2}},
		{"torn in a key", line + "\n" + line[:5], 1, []int{2}},
		{"torn in the middle", line[:len(line)-1] + "\n" + line + "\n", 1, []int{1}},
		{"lines that were joined", line + line + "\n" + line, 3, nil},
		{"a torn line and one that was joined to it", line[:len(line)/2] + line + "\n" + line + "\n", 2, []int{1}},
		{"NUL bytes at the end", line + "\n" + line[:len(line)/2] + strings.Repeat("\x00", 512), 1, []int{2}},
		{"only NUL bytes at the end", line + "\n" + strings.Repeat("\x00", 512), 1, nil},
		{"CRLF", line + "\r\n\r\n" + line + "\r\n", 2, nil},
		{"a byte order mark", "\ufeff" + line + "\n" + line, 2, nil},
		{"two files, each with its mark", "\ufeff" + line + "\n\ufeff" + line, 2, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			runs, torn, err := ReadHistory([]byte(c.text), "h.jsonl")
			if err != nil || len(runs) != c.runs {
				t.Errorf("%d runs, %v, want %d", len(runs), err, c.runs)
			}
			if diff := cmp.Diff(c.torn, torn); diff != "" {
				t.Errorf("torn lines (-want +got):\n%s", diff)
			}
		})
	}
}

// A run that follows a torn line is not lost.
func TestHistoryGoesOnAfterATornLine(t *testing.T) {
	t.Parallel()
	line := oneLine(t)
	for _, c := range []struct {
		name, before string
		runs         int
	}{{"no file", "", 1}, {"no newline", line, 2}, {"a torn line", line[:20], 1}, {"whole lines", line + "\n", 2}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "h.jsonl")
			if err := os.WriteFile(path, []byte(c.before), 0o644); c.before != "" && err != nil {
				t.Fatal(err)
			}
			if err := AppendHistory(path, &Report{Verdict: Pass}, time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
			if runs, err := ReadHistoryFile(t.Context(), path, io.Discard); err != nil || len(runs) != c.runs {
				t.Errorf("%d runs, %v, want %d", len(runs), err, c.runs)
			}
		})
	}
}

func TestUnreadableHistoryIsNotWritten(t *testing.T) {
	t.Parallel()
	if _, err := HistoryLine(&Report{Verdict: "fine"}, time.Unix(0, 0)); err == nil {
		t.Error("a line that nobody could read")
	}
}
