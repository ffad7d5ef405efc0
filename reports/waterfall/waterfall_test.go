package waterfall

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/frame"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// sample returns a trace of a tunnel whose process is named by its user, and which lost a frame.
func sample() *Trace {
	points := []Point{
		{Node: "tester", Kind: Sent}, {Node: "left", Interface: "lan", Kind: In, Device: "veth"}, {Node: "left", Interface: "<b>", Kind: Out, Device: "tuntap"},
		{Node: "left", Interface: "<b>", Kind: Read, Device: "tuntap"}, {Node: "left", Interface: "wan", Kind: Out, Device: "veth"}, {Node: "tester", Interface: "port1", Kind: Taken},
	}
	works := []Work{Link, Kernel, Queue, Process, Unseen}
	s := Stream{
		Direction: "forward", Offered: 200, Received: 199, Followed: 100, Complete: 98, Delivered: 99, Tester: 12_340, Points: points,
		OneWay: Spread{Least: 9_000, P50: 12_000, P90: 15_000, P99: 20_000, Most: 11_000_000, Mean: 12_500}, Hops: []Hop{}, Picked: []Picked{},
	}
	for i, w := range works {
		h := Hop{From: points[i], To: points[i+1], Work: w, Frames: 99, Time: SpreadOf([]int64{100, 2_400, 2_400, 2_500, 9_000}), AtP50: 2_400, AtP99: 4_000, Share: 0.2, Waiting: 0.25, Most: 3, Reasons: []Reason{}}
		if w == Queue {
			h.Lost, h.Reasons = 1, []Reason{{Name: "FULL_RING", Frames: 1}}
		}
		h.Inferred = w == Process || w == Unseen
		s.Hops = append(s.Hops, h)
	}
	passes := []Pass{{}, {Point: 1, At: 1_000}, {Point: 2, At: 2_000}, {Point: 3, At: 5_000}, {Point: 4, At: 9_000, Inferred: true}, {Point: 5, At: 12_000}}
	s.Picked = append(s.Picked, Picked{Why: Usual, Sequence: 7, Sent: 70_000, Passes: passes}, Picked{Why: Dropped, Sequence: 8, Sent: 80_000, Passes: passes[:3], Lost: "FULL_RING"})
	return &Trace{
		Schema: Schema, Tool: result.Tool{Version: "v1", Commit: "abc", Go: "go1"}, CPU: "a CPU", Kernel: "6.18", Command: []string{"tunnelbench", "trace"},
		Started: time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC), Device: "exec:<b>.sh", Size: 64, Load: 20_000, Duration: 1, Every: 2, Streams: []Stream{s},
		Threads: []Threads{{Node: "left", Wakeups: 10, Preempted: 2, Wait50: 900, Wait99: 4_000, RunNs: 3_300}},
		Cost:    &Cost{Rounds: 3, P50: [2]int64{12_000, 12_240}, Rate: [2]float64{100_000, 99_000}}, Warnings: []string{"a <b> doubt"},
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	want := `forward: 200 frames offered, 199 received; 1 in 2 followed: 100, of which 99 arrived and 98 were seen at all points
from            to               what                              p50      p99   at p50   at p99   share  waiting  lost  why
tester sends    left lan in      link                          2.40 us  9.00 us  2.40 us  4.00 us  20.0 %     0.25     0
left lan in     left <b> out     kernel                        2.40 us  9.00 us  2.40 us  4.00 us  20.0 %     0.25     0
left <b> out    left reads <b>   queue                         2.40 us  9.00 us  2.40 us  4.00 us  20.0 %     0.25     1  FULL_RING 1
left reads <b>  left wan out     process (inferred)            2.40 us  9.00 us  2.40 us  4.00 us  20.0 %     0.25     0
left wan out    tester receives  queue and process (inferred)  2.40 us  9.00 us  2.40 us  4.00 us  20.0 %     0.25     0
end to end p50 12.00 us, p99 20.00 us; the hops at p50 add up to 12.00 us, their own p50 to 12.00 us; the tester's own p50 over all frames 12.34 us
threads of left: 10 wake-ups, 2 times preempted; waited for a core p50 900 ns, p99 4.00 us; ran 3.30 us per frame
tracing costs: p50 12.00 us without, 12.24 us with (+2.0 %); closed loop 100000 and 99000 frames/s (-1.0 %); medians of 3 trials each, in turns
warning: a <b> doubt
`
	if diff := cmp.Diff(want, Text(sample())); diff != "" {
		t.Error(diff)
	}
}

// On a kernel without the tracepoint of drops there is no column that says why, and on one whose closed loop had too many events no rate.
func TestWithout(t *testing.T) {
	t.Parallel()
	full, less := sample(), sample()
	less.Missing, less.Cost.Rate = []string{DropsTracepoint}, [2]float64{}
	text, err := Marshal(less)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(bytes.NewReader(text), "trace.json")
	if err != nil || cmp.Diff(less, back) != "" {
		t.Errorf("%v: %s", err, cmp.Diff(less, back))
	}
	for _, c := range []struct {
		trace *Trace
		why   bool
	}{{full, true}, {less, false}} {
		page, err := HTML(c.trace)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(Text(c.trace), "tester sends")
		if got := strings.Contains(string(page), `<th scope="col">why</th>`); got != c.why || strings.Contains(head, "why") != c.why {
			t.Errorf("why: %v on the page, in the table %q; want %v", got, head, c.why)
		}
		if got := strings.Contains(string(page), "not known, since there was no room"); got == c.why {
			t.Errorf("the rate is not known: %v", got)
		}
	}
}

// The page is the same each time, allows nothing but its style sheet, and shows names of the user as text.
func TestHTML(t *testing.T) {
	t.Parallel()
	page, err := HTML(sample())
	if err != nil {
		t.Fatal(err)
	}
	again, err := HTML(sample())
	if err != nil || !bytes.Equal(page, again) {
		t.Errorf("the second page differs (%v)", err)
	}
	text := string(page)
	for _, want := range []string{
		"<style>" + frame.CSS + "</style>", "default-src &#39;none&#39;", "exec:&lt;b&gt;.sh", "left reads &lt;b&gt;", "FULL_RING", "a &lt;b&gt; doubt",
		"a usual frame: 12.00 us from end to end", "&#43;2.0 %", "2026-11-29 01:02:03 UTC", `class="f-c2"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(text, "<b>") || strings.Contains(text, "<script") {
		t.Error("text of the user became markup")
	}
}

// trace.json is what its schema says, and reads back as the same.
func TestJSON(t *testing.T) {
	t.Parallel()
	text, err := Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(bytes.NewReader(text), "trace.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), back); diff != "" {
		t.Error(diff)
	}
	for name, change := range map[string]func(string) string{
		"another schema": func(s string) string { return strings.Replace(s, "trace/1", "trace/2", 1) },
		"a field more":   func(s string) string { return strings.Replace(s, `"cpu"`, `"gpu": 1, "cpu"`, 1) },
		"a kind":         func(s string) string { return strings.Replace(s, `"kind": "sent"`, `"kind": "flown"`, 1) },
		"torn":           func(s string) string { return s[:len(s)/2] },
		"no such point":  func(s string) string { return strings.Replace(s, `"point": 5`, `"point": 6`, 1) },
		"points back":    func(s string) string { return strings.Replace(s, `"point": 4`, `"point": 2`, 1) },
		"no passes": func(s string) string {
			return regexp.MustCompile(`(?s)"passes": \[.*?\]`).ReplaceAllString(s, `"passes": []`)
		},
		"no hops": func(s string) string {
			return regexp.MustCompile(`(?s)"hops": \[.*\],\s*"picked"`).ReplaceAllString(s, `"hops": [], "picked"`)
		},
		"no streams": func(s string) string {
			return regexp.MustCompile(`(?s)"streams": \[.*\],\s*"threads"`).ReplaceAllString(s, `"streams": [], "threads"`)
		},
	} {
		_, err := Parse(strings.NewReader(change(string(text))), "trace.json")
		if err == nil || !strings.HasPrefix(err.Error(), "trace.json: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A timeline has a slice for each hop of each frame, and no two on one line at once.
func TestPerfetto(t *testing.T) {
	t.Parallel()
	s := sample()
	var out bytes.Buffer
	frames := func(yield func(int, Picked) bool) {
		for i, sent := range []int64{0, 1_000, 40_000} { // the second one overlaps the first
			f := s.Streams[0].Picked[0]
			f.Sequence, f.Sent = uint32(i), sent
			if !yield(0, f) {
				return
			}
		}
	}
	if left, err := Perfetto(&out, s, frames); err != nil || left != 0 {
		t.Fatalf("%d left out, %v", left, err)
	}
	var read struct {
		TraceEvents []slice `json:"traceEvents"`
	}
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	until := map[int]float64{}
	slices := 0
	for _, e := range read.TraceEvents {
		if e.Phase != "X" {
			continue
		}
		slices++
		if e.Time < until[e.TID] {
			t.Errorf("%s at %v us: line %d is taken until %v us", e.Name, e.Time, e.TID, until[e.TID])
		}
		until[e.TID] = e.Time + *e.Took
	}
	if slices != 3*5 {
		t.Errorf("%d slices", slices)
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, most := range []int64{0, 1, 9, 411, 12_345, 999_999, 1_000_000, 123_456_789} {
		at := ticks(most)
		if len(at) < 1 || len(at) > 12 || at[0] != 0 || at[len(at)-1] > most {
			t.Errorf("%d: %v", most, at)
		}
	}
}

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	if got := SpreadOf(nil); got != (Spread{}) {
		t.Errorf("of nothing: %+v", got)
	}
	if got, want := SpreadOf([]int64{5, 1, 3}), (Spread{Least: 1, P50: 3, P90: 5, P99: 5, Most: 5, Mean: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
