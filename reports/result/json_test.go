package result_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The page shows the loss of each direction; the trial's loss is their sum.
func TestBothDirections(t *testing.T) {
	r := resulttest.BothWays()
	var page bytes.Buffer
	if err := reports.HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "forward 0"+show.Nbsp+"%, reverse 1.0"+show.Nbsp+"%") {
		t.Error("the page does not tell the directions' losses apart")
	}
	if got := r.Results[0].Trials[0].LossRatio(); got != 0.005 {
		t.Errorf("loss ratio %v, want that of both directions together, 0.005", got)
	}
	back, err := result.Read(bytes.NewReader(resulttest.Encode(t, r)), "both.json")
	if err != nil || len(back.Results[0].Trials[0].Directions) != 2 {
		t.Errorf("read back: %v", err)
	}
}

func TestWrittenFilesFollowTheSchema(t *testing.T) {
	validate := resulttest.Validator(t)
	cases := map[string]*result.Results{"fixture": resulttest.Fixture(), "empty": {}, "nil lists": {Results: []result.Result{{
		DUT: "x", Kind: result.KindPlain, FrameSize: 64, Trials: []rfc2544.Observation{{}},
	}}}}
	for _, name := range resulttest.Hostile {
		r := resulttest.HostileFixture(name)
		for i := range r.Results {
			r.Results[i].DUT = strictjson.Short(r.Results[i].DUT, 256)
			r.Results[i].Direction = strictjson.Short(r.Results[i].Direction, 256)
		}
		if len(name) < 200 {
			cases["hostile "+name] = r
		}
	}
	cases["both directions"] = resulttest.BothWays()
	for name, r := range cases {
		if err := validate(resulttest.Encode(t, r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	resulttest.Golden(t, "small.json", resulttest.Encode(t, resulttest.Small()))
	data, err := os.ReadFile("testdata/small.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(data); err != nil {
		t.Error(err)
	}
}

func TestRoundTrip(t *testing.T) {
	r := resulttest.Fixture()
	data := resulttest.Encode(t, r)
	back, err := result.Read(bytes.NewReader(data), "results.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := result.Normal(r); !reflect.DeepEqual(back, want) {
		t.Error("what was read is not what was written")
	}
	if again := resulttest.Encode(t, back); !bytes.Equal(again, data) {
		t.Error("written again, the bytes differ")
	}
	if !back.Results[0].Trials[0].IntendedLoad.IsFlood() {
		t.Error("a flood did not come back as one")
	}
}

func at(doc map[string]any, list string, i int) map[string]any {
	return doc["results"].([]any)[i].(map[string]any)[list].([]any)[0].(map[string]any)
}

func TestReadRefusesBadFiles(t *testing.T) {
	good := resulttest.Encode(t, resulttest.Small())
	replace := func(old, new string) []byte {
		out := bytes.Replace(good, []byte(old), []byte(new), 1)
		if bytes.Equal(out, good) {
			t.Fatalf("%q does not stand in the file", old)
		}
		return out
	}
	trial := func(key string, v any) []byte {
		return resulttest.Edit(t, good, func(d map[string]any) { at(d, "trials", 1)[key] = v })
	}
	direction := func(name string, offered, received int) map[string]any {
		d := map[string]any{"direction": name, "latency_ns": nil, "latency_quiet_ns": nil}
		for _, key := range []string{"intended", "lost", "duplicated", "reordered", "corrupted", "late", "stale", "foreign"} {
			d[key] = 0
		}
		d["offered"], d["received"] = offered, received
		return d
	}
	value := func(key string, v any) []byte {
		return resulttest.Edit(t, good, func(d map[string]any) { at(d, "values", 0)[key] = v })
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "bad.json: (whole file): the file ends too early"},
		{"cut", good[:len(good)/2], "the file ends too early"},
		{"not an object", []byte(`[]`), "(whole file): is an array, must be an object"},
		{"version", replace(result.Schema, "tunnelbench.results/3"), `/schema: is "tunnelbench.results/3", this program reads "tunnelbench.results/2"`},
		{"unknown key", replace(`"profile"`, `"prof\u001b[2Jile"`), "unknown key"},
		{"key in another case", replace(`"profile"`, `"Profile"`), `unknown key "Profile"`},
		{"key twice", replace(`"profile": "quick",`, `"profile": "quick", "profile": "full",`), `key "profile" stands twice`},
		{"map key twice", replace(`"lan": "off",`, `"lan": "off", "lan": "on",`), `/host/offloads: key "lan" stands twice`},
		{"missing key", resulttest.Edit(t, good, func(d map[string]any) { delete(d, "seed") }), `(whole file): has no "seed"`},
		{"NaN", replace(`"seed": 7`, `"seed": NaN`), "/seed: not JSON at byte"},
		{"infinite", replace(`"link_bps": 1000000000`, `"link_bps": 1e999`), "/link_bps: 1e999 is out of range"},
		{"fraction", replace(`"seed": 7`, `"seed": 7.5`), "/seed: is 7.5, must be an integer"},
		{"too large", replace(`"seed": 7`, `"seed": 99999999999999999999`), "is above 18446744073709551615"},
		{"two documents", append(bytes.Clone(good), good...), "something follows the results"},
		{"not UTF-8", replace("quick", "qu\xffck"), "is not UTF-8 text"},
		{"time", replace("2026-03-01T09:30:00Z", "yesterday"), "/started: is \"yesterday\""},
		{"times swapped", replace("2026-03-01T09:33:12Z", "2025-03-01T09:33:12Z"), "/ended: is before /started"},
		{"negative count", trial("lost", -1), "/results/1/trials/0/lost: -1 is below 0"},
		{"ledger", trial("received", 3), "/results/1/trials/0: ledger does not balance: offered"},
		{"ledger overflow", trial("lost", uint64(math.MaxInt64)), "/results/1/trials/0: ledger does not balance"},
		{"late", trial("late", 9), "/results/1/trials/0/late: 9 late frames, but only 0 lost"},
		{"null count", trial("offered", nil), "/results/1/trials/0/offered: is null, must be an integer"},
		{"negative load", trial("intended_fps", -5), "/intended_fps: -5 is below 0"},
		{"percentiles", trial("latency_ns", map[string]int{"n": 1, "min": 9, "p50": 1, "p90": 1, "p99": 1, "p999": 1, "max": 1}), "/latency_ns: percentiles are not in order"},
		{"stall side", trial("stalls", []any{map[string]any{"at_ns": 0, "length_ns": 0, "cpu": 0, "side": "moon"}}), `/stalls/0/side: is "moon", must be one of ["tester" "dut"]`},
		{"missing unit", value("unit", ""), "/results/0/values/0/unit: is empty"},
		{"bounds", resulttest.Edit(t, good, func(d map[string]any) { v := at(d, "values", 0); v["lower"], v["upper"] = 3, 2 }), "/results/0/values/0: \"pdr\": lower bound is above"},
		{"negative rate", resulttest.Edit(t, good, func(d map[string]any) { v := at(d, "values", 0); v["value"], v["lower"] = -2, nil }), "negative rate"},
		{"limited by", replace(`"limited_by": "dut"`, `"limited_by": "moon"`), "/results/0/limited_by"},
		{"deep", []byte(strings.Repeat(`{"host":`, 1<<20)), "is nested deeper than 32 levels"},
		{"deep list", []byte(strings.Repeat(`[`, 1<<20)), "is nested deeper than 32 levels"},
		{"one direction", trial("directions", []any{direction("forward", 5, 5)}), "/trials/0/directions: are not two different ones"},
		{"a direction twice", trial("directions", []any{direction("reverse", 5, 5), direction("reverse", 5, 5)}), "/directions: are not two different ones"},
		{"sideways", trial("directions", []any{direction("sideways", 5, 5)}), `/directions/0/direction: is "sideways", must be one of ["forward" "reverse"]`},
		{"a direction's ledger", trial("directions", []any{direction("forward", 5, 6), direction("reverse", 5, 5)}), "/directions/0: ledger does not balance"},
		{"directions do not add up", trial("directions", []any{direction("forward", 5, 5), direction("reverse", 5, 5)}), "/directions: do not add up to the trial"},
		{"long name", replace(`"plain"`, `"`+strings.Repeat("n", 300)+`"`), "/results/0/dut: is 300 characters long"},
	} {
		_, err := result.Read(bytes.NewReader(c.data), "bad.json")
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.want) || strings.ContainsAny(text, "\n\x1b") || !strings.HasPrefix(text, "bad.json: ") || len(text) > 600 {
			t.Errorf("%s: %q, want %q in one line", c.name, text, c.want)
		}
	}
}

func TestReadStopsAtTheLimit(t *testing.T) {
	_, err := result.Read(resulttest.Endless{}, "big.json")
	if err == nil || err.Error() != "big.json: (whole file): is larger than 64 MiB" {
		t.Errorf("got %v", err)
	}
	broken := io.MultiReader(strings.NewReader("{"), iotestError{})
	if _, err := result.Read(broken, "x"); err == nil || !strings.Contains(err.Error(), "unplugged") {
		t.Errorf("got %v", err)
	}
}

type iotestError struct{}

func (iotestError) Read([]byte) (int, error) { return 0, errors.New("unplugged") }

// TestReadAllocatesLittle reads files with as many values as possible and limits their memory cost.
func TestReadAllocatesLittle(t *testing.T) {
	head := string(resulttest.Encode(t, &result.Results{}))
	for name, filling := range map[string]string{
		"empty objects": `"results": [` + strings.Repeat(`{},`, 300_000),
		"short texts":   `"command": [` + strings.Repeat(`"",`, 300_000),
		"many keys":     `"host": {"offloads": {` + strings.Repeat(`"a":"",`, 300_000),
		"long text":     `"profile": "` + strings.Repeat("x", 1<<20),
		"long number":   `"seed": ` + strings.Repeat("1", 1<<20),
		"long key":      `"` + strings.Repeat("k", 1<<20) + `":1`,
	} {
		data := []byte(`{"schema": "tunnelbench.results/2", ` + filling)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := result.Read(bytes.NewReader(data), "x")
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		// The scan allocates several small values for each token of three bytes.
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(64*len(data)+1<<20) {
			t.Errorf("%s: %d bytes allocated for a file of %d", name, used, len(data))
		}
	}
	if !strings.Contains(head, `"results": []`) {
		t.Error("an empty list is not written as one")
	}
}

func TestEncodeRefusesWhatReadWould(t *testing.T) {
	for name, spoil := range map[string]func(*result.Results){
		"kind": func(r *result.Results) { r.Results[0].Kind = "odd" },
		"size": func(r *result.Results) { r.Results[0].FrameSize = 63 },
	} {
		r := resulttest.Small()
		spoil(r)
		if _, err := result.Encode(r); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := resulttest.Small()
	r.Results[0].Error = strings.Repeat("é", 5000)
	back, err := result.Read(bytes.NewReader(resulttest.Encode(t, r)), "x")
	if err != nil || len([]rune(back.Results[0].Error)) != result.MaxText {
		t.Errorf("a long text is not cut: %v", err)
	}
}

func TestCheckTrial(t *testing.T) {
	if err := result.CheckTrial(rfc2544.Observation{Counts: rfc2544.Counts{Offered: 5, Received: 3, Lost: 2, Late: 2}}); err != nil {
		t.Error(err)
	}
	if err := result.CheckTrial(rfc2544.Observation{Counts: rfc2544.Counts{Offered: 5, Received: 3, Lost: 1}}); err == nil {
		t.Error("an unbalanced ledger passes")
	}
}

func TestWriteIsWholeOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "results.json")
	if err := result.Write(path, resulttest.Small()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := resulttest.Small()
	bad.Results[0].Kind = "odd"
	if err := result.Write(path, bad); err == nil {
		t.Error("bad results were written")
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the old file changed")
	}
	target := filepath.Join(dir, "full")
	if err := os.MkdirAll(filepath.Join(target, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := result.Write(target, resulttest.Small()); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("written over a directory: %v", err)
	}
	if err := result.Write(filepath.Join(dir, "none", "results.json"), resulttest.Small()); err == nil {
		t.Error("written into a directory that is not there")
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 2 {
		t.Errorf("something was left aside: %v %v", names, err)
	}
}

func TestMarshalTrial(t *testing.T) {
	data, err := result.MarshalTrial("vxlan", 64, rfc2544.Observation{IntendedLoad: rfc2544.Flood, Counts: rfc2544.Counts{Offered: 2, Received: 2}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"dut":"vxlan","frame_size":64,"intended_fps":null,`, `"stalls":[]`, `"drops":[]`, `"warnings":[]`, `"latency_ns":null`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in %s", want, data)
		}
	}
}
