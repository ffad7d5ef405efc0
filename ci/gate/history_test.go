package gate

import (
	"strings"
	"testing"
	"time"
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
		{"empty", "", "no line"},
		{"an empty object", line + "\n{}\n", "line 2"},
		{"not JSON", line + "\nnonsense", "line 2"},
		{"a later schema", strings.Replace(line, `history/1`, `history/2`, 1), "/schema"},
		{"a negative ratio", strings.Replace(line, `"ratio":1`, `"ratio":-1`, 1), "/metrics/0/ratio"},
		{"not a number", strings.Replace(line, `"ratio":1`, `"ratio":NaN`, 1), "line 1"},
		{"outside of its bounds", strings.Replace(line, `"ratio":1`, `"ratio":3`, 1), "not within"},
		{"an unknown verdict", strings.Replace(line, `"verdict":"pass","pairs"`, `"verdict":"fine","pairs"`, 1), "/verdict"},
		{"a key twice", strings.Replace(line, `"base":""`, `"base":"","base":""`, 1), "base"},
		{"a long line", line + "\n" + strings.Repeat("x", mostHistoryLine+1), "line 2: is longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadHistory(strings.NewReader(c.text), "h.jsonl")
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "h.jsonl: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%.60q: %v, want %q", c.text, err, c.want)
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
