package gate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

func smallSet() *Set {
	one, two := 1.5, 2.5
	return &Set{
		Side: HeadSide, Tool: result.Tool{Version: "1"}, Device: "reference", Revision: "HEAD", Commit: "c",
		Builds:  []Build{{SHA256: strings.Repeat("a", 64), Octets: 7}, {SHA256: strings.Repeat("b", 64), Layout: 1}},
		Command: []string{"tunnelbench", "gate"}, Link: 1e9, CongestionControl: "cubic", Seed: 3, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Metrics: []SetMetric{{"forwarding_rate", "fps", 1, 64}, {"stream_goodput", "bit/s", 1, 0}, {"latency_p50", "ns", -1, 64}},
		Loads:   []Load{{64, 1000, 500}},
		Turns: []Turn{
			{Series: 1, Pair: 1, Place: 1, Values: map[string]*float64{"forwarding_rate/64": &one, "stream_goodput": nil}, Doubts: []string{"a stall"}, Teardowns: []string{"a link stayed"}},
			{Series: 1, Pair: 2, Place: 2, Build: 1, Values: map[string]*float64{"forwarding_rate/64": &two, "latency_p50/64": nil}, Silent: []string{"latency_p50/64"}, Died: "exit status 1"},
			{Series: 1, Pair: 3, Place: 2, Values: map[string]*float64{"forwarding_rate/64": new(float64)}},
		},
	}
}

func encodeSet(t testing.TB, s *Set) []byte {
	t.Helper()
	data, err := EncodeSet(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSetsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	data := encodeSet(t, smallSet())
	read, err := ReadSet(bytes.NewReader(data), "set.json")
	if err != nil {
		t.Fatal(err)
	}
	if again := encodeSet(t, read); !bytes.Equal(again, data) {
		t.Errorf("%s\n%s", data, again)
	}
	resulttest.CheckSchema(t, SetSchemaJSON(), "note", "commits", "silent", "congestion_control", "teardowns")
}

func TestBadSets(t *testing.T) {
	t.Parallel()
	for why, edit := range map[string][2]string{
		`/schema: is "tunnelbench.set/2", this program reads "tunnelbench.set/1"`: {"tunnelbench.set/1", "tunnelbench.set/2"},
		`/turns/0/values: key "forwarding_rate/64" stands twice`:                  {`"stream_goodput": null`, `"forwarding_rate/64": 1`},
		`/turns/0/values: "forwarding_rate/64" is not above zero`:                 {`"forwarding_rate/64": 1.5`, `"forwarding_rate/64": -0`},
		`/turns/1/values: "latency_p50/64" is not above zero`:                     {`"latency_p50/64": null`, `"latency_p50/64": 0`},
		`/turns/1/silent/0: "latency_p50/64" is no metric that lacks a value`:     {`"latency_p50/64": null`, `"latency_p50/64": 1`},
		`/turns/1/silent/0: "x" is no metric`: {`"silent": [
    "latency_p50/64"`, `"silent": [
    "x"`},
		`/turns/0/values/forwarding_rate~164: -1 is below 0`:         {`"forwarding_rate/64": 1.5`, `"forwarding_rate/64": -1`},
		`/turns/0/values/forwarding_rate~164: not JSON`:              {`"forwarding_rate/64": 1.5`, `"forwarding_rate/64": NaN`},
		`/turns/0/values/forwarding_rate~164: 1e999 is out of range`: {`"forwarding_rate/64": 1.5`, `"forwarding_rate/64": 1e999`},
		`/turns/0/values: "x" is not among the metrics`:              {`"stream_goodput": null`, `"x": null`},
		`/metrics/0/unit: is empty`:                                  {`"unit": "fps"`, `"unit": ""`},
		`/metrics/0: has no "unit"`:                                  {`"unit": "fps",`, ``},
		`/metrics/0/better: is neither 1 nor -1`:                     {`"better": 1`, `"better": 0`},
		`/metrics/1: "forwarding_rate/64" stands twice`:              {"\"name\": \"stream_goodput\",\n   \"unit\": \"bit/s\",\n   \"better\": 1,\n   \"frame_size\": 0", "\"name\": \"forwarding_rate\",\n   \"unit\": \"fps\",\n   \"better\": 1,\n   \"frame_size\": 64"},
		`/turns/1: pair 1 of series 1 stands twice`:                  {`"pair": 2`, `"pair": 1`},
		`/turns/1/build: there are 2 builds`:                         {`"build": 1`, `"build": 2`},
		`/side: is "left", must be one of ["base" "head"]`:           {`"side": "head"`, `"side": "left"`},
		`/builds/0/sha256: is`:                                       {strings.Repeat("a", 64), strings.Repeat("a", 63)},
		`(whole file): unknown key "more"`:                           {`"schema"`, `"more": 1, "schema"`},
		`(whole file): something follows`:                            {"\n}\n", "\n} {"},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			good := string(encodeSet(t, smallSet()))
			text := strings.Replace(good, edit[0], edit[1], 1)
			if text == good {
				t.Fatal("nothing is edited")
			}
			_, err := ReadSet(strings.NewReader(text), "set.json")
			if err == nil || !strings.HasPrefix(err.Error(), "set.json: "+why) && !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
				t.Errorf("want %s, got %v", why, err)
			}
		})
	}
}

// An endless file is read only up to the size limit.
func TestHugeSet(t *testing.T) {
	t.Parallel()
	_, err := ReadSet(resulttest.Endless{}, "set.json")
	if err == nil || !strings.Contains(err.Error(), "is larger than 64 MiB") {
		t.Error(err)
	}
}

// FuzzSet checks that a set that was read can be written and read again without change.
func FuzzSet(f *testing.F) {
	f.Add(encodeSet(f, smallSet()))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ReadSet(bytes.NewReader(data), "set")
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Fatalf("%q", err)
			}
			return
		}
		text, err := EncodeSet(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadSet(bytes.NewReader(text), "set")
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := EncodeSet(again); err != nil || !bytes.Equal(twice, text) {
			t.Fatalf("%v\n%s\n%s", err, text, twice)
		}
	})
}

// An earlier gate's files are gone, other files stay, and a directory without any is fine.
func TestClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"base.json", "gate.md", "history.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := Clear(dir); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(dir + "/*")
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "history.jsonl" {
		t.Errorf("left: %v, %v", left, err)
	}
}
