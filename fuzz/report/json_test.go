package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

func encodeFuzz(t *testing.T, f *Campaign) []byte {
	t.Helper()
	data, err := Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFuzzComesBack(t *testing.T) {
	data := encodeFuzz(t, fixture())
	resulttest.Golden(t, "fuzz.json", data)
	back, err := Read(bytes.NewReader(data), "fuzz.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := normal(fixture()); !reflect.DeepEqual(back, want) {
		t.Errorf("read %+v, want %+v", back, want)
	}
	if again := encodeFuzz(t, back); !bytes.Equal(again, data) {
		t.Error("written again, the bytes differ")
	}
}

func TestFuzzFilesFollowTheSchema(t *testing.T) {
	validate := resulttest.ValidatorOf(t, SchemaJSON())
	cases := map[string]*Campaign{"campaign": fixture(), "empty": {}, "nil lists": {Targets: []Target{{Name: "x", Findings: []Finding{{ID: "1", Oracle: "panic"}}}}}}
	for _, name := range resulttest.Hostile {
		if len(name) < 200 {
			cases["hostile "+name] = hostileCampaign(name)
		}
	}
	for name, f := range cases {
		data := encodeFuzz(t, f)
		if err := validate(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Read(bytes.NewReader(data), "x"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFuzzSchemaNeedsEveryKey(t *testing.T) {
	if objects := resulttest.CheckSchema(t, SchemaJSON()); objects != 6 {
		t.Errorf("%d objects seen, want campaign, tool, target, sample, finding and frame", objects)
	}
	if !bytes.Contains(SchemaJSON(), []byte(Schema)) {
		t.Error("the schema is of another version")
	}
}

func TestReadFuzzRefusesBadFiles(t *testing.T) {
	good := encodeFuzz(t, fixture())
	replace := func(old, new string) []byte {
		out := bytes.Replace(good, []byte(old), []byte(new), 1)
		if bytes.Equal(out, good) {
			t.Fatalf("%q does not stand in the file", old)
		}
		return out
	}
	target := func(key string, v any) []byte {
		return resulttest.Edit(t, good, func(d map[string]any) { d["targets"].([]any)[0].(map[string]any)[key] = v })
	}
	finding := func(key string, v any) []byte {
		return resulttest.Edit(t, good, func(d map[string]any) {
			d["targets"].([]any)[0].(map[string]any)["findings"].([]any)[1].(map[string]any)[key] = v
		})
	}
	raw := func(change func(*Campaign)) []byte {
		f := fixture()
		change(f)
		data, err := json.Marshal(normal(f))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "bad.json: (whole file): the file ends too early"},
		{"not an object", []byte(`[]`), "(whole file): is an array, must be an object"},
		{"another file", resulttest.Encode(t, &result.Results{}), `/schema: is "tunnelbench.results/2", this program reads "tunnelbench.fuzz/1"`},
		{"version", replace(Schema, "tunnelbench.fuzz/2"), `/schema: is "tunnelbench.fuzz/2"`},
		{"unknown key", replace(`"kernel"`, `"ker\u001b[2Jnel"`), "unknown key"},
		{"missing key", resulttest.Edit(t, good, func(d map[string]any) { delete(d, "targets") }), `has no "targets"`},
		{"key twice", replace(`"cpu":`, `"cpu": "a", "cpu":`), `key "cpu" stands twice`},
		{"not UTF-8", replace("EPYC", "EP\xffC"), "is not UTF-8 text"},
		{"cut", good[:len(good)/2], "the file ends too early"},
		{"two documents", append(bytes.Clone(good), good...), "something follows"},
		{"times swapped", replace("2026-11-23T09:32:11Z", "2025-11-23T09:32:11Z"), "/ended: is before /started"},
		{"negative duration", target("elapsed_ns", -1), "/targets/0/elapsed_ns: -1 is below 0"},
		{"negative CPU time", target("cpu_ns", -1), "/targets/0/cpu_ns: -1 is below 0"},
		{"negative count", target("executions", -3), "/targets/0/executions: -3 is below 0"},
		{"count too large", replace(`"executions": 1234567`, `"executions": 9223372036854775808`), "is above 9223372036854775807"},
		{"fraction", target("corpus", 1.5), "/targets/0/corpus: is 1.5, must be an integer"},
		{"no name", target("name", ""), "/targets/0/name: is empty"},
		{"long name", target("engine", strings.Repeat("n", 300)), "/targets/0/engine: is 300 characters long"},
		{"null list", target("samples", nil), "/targets/0/samples: is null, must be an array"},
		{"too many targets", raw(func(f *Campaign) { f.Targets = slices.Repeat(f.Targets[2:], 1001) }), "/targets: holds more than 1000 entries"},
		{"too many samples", raw(func(f *Campaign) { f.Targets[1].Samples = make([]Sample, 10001) }), "/targets/1/samples: holds more than 10000 entries"},
		{"too many findings", raw(func(f *Campaign) { f.Targets[1].Findings = slices.Repeat(f.Targets[0].Findings, 501) }), "/targets/1/findings: holds more than 1000 entries"},
		{"samples out of order", target("samples", []any{
			map[string]any{"elapsed_ns": 5, "executions": 1, "coverage": 1}, map[string]any{"elapsed_ns": 4, "executions": 1, "coverage": 1},
		}), "/targets/0/samples/1/elapsed_ns: is before the previous sample"},
		{"negative moment", finding("found_at_ns", -1), "/targets/0/findings/1/found_at_ns: -1 is below 0"},
		{"no ID", finding("id", ""), "/targets/0/findings/1/id: is empty"},
		{"not base64", finding("input", "AAA"), "/targets/0/findings/1/input: is not base64"},
		{"base64 with a line break", finding("input", "AA\nAA"), "/targets/0/findings/1/input: is not base64"},
		{"input beyond its length", finding("octets", 7), "/targets/0/findings/1/input: has 1100 bytes, but octets is 7"},
		{"input too long", finding("input", strings.Repeat("A", 1398108)), "/input: is 1398108 characters long"},
		{"negative line", replace(`"line": 42`, `"line": -42`), "/targets/0/findings/0/stack/1/line: -42 is below 0"},
		{"deep", []byte(strings.Repeat(`{"targets":[`, 1<<20)), "is nested deeper than 32 levels"},
	} {
		_, err := Read(bytes.NewReader(c.data), "bad.json")
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.want) || strings.ContainsAny(text, "\n\x1b") || !strings.HasPrefix(text, "bad.json: ") || len(text) > 600 {
			t.Errorf("%s: %q, want %q in one line", c.name, text, c.want)
		}
	}
	if _, err := Read(resulttest.Endless{}, "big.json"); err == nil || err.Error() != "big.json: (whole file): is larger than 64 MiB" {
		t.Errorf("got %v", err)
	}
}

func TestEncodeFuzzRefusesWhatReadFuzzWould(t *testing.T) {
	for name, spoil := range map[string]func(*Campaign){
		"time":     func(f *Campaign) { f.Targets[0].Elapsed = -1 },
		"corpus":   func(f *Campaign) { f.Targets[0].Corpus = -1 },
		"no name":  func(f *Campaign) { f.Targets[1].Name = "" },
		"octets":   func(f *Campaign) { f.Targets[0].Findings[0].Octets = 1 },
		"order":    func(f *Campaign) { f.Targets[1].Samples[7].Elapsed = 1 },
		"ended":    func(f *Campaign) { f.Ended = f.Started.Add(-time.Second) },
		"too many": func(f *Campaign) { f.Targets = make([]Target, 1001) },
	} {
		f := fixture()
		spoil(f)
		if _, err := Encode(f); err == nil || !strings.HasPrefix(err.Error(), "campaign: /") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Encode cuts what is too long for the file and does not change the campaign.
func TestEncodeFuzzCuts(t *testing.T) {
	f := fixture()
	x := &f.Targets[0].Findings[0]
	x.Input, x.Octets = make([]byte, maxInput+5), maxInput+5
	x.Stack = make([]StackFrame, 1000)
	x.Seen = strings.Repeat("é", 5000)
	back, err := Read(bytes.NewReader(encodeFuzz(t, f)), "x")
	if err != nil {
		t.Fatal(err)
	}
	y := back.Targets[0].Findings[0]
	if len(y.Input) != maxInput || y.Octets != maxInput+5 || len(y.Stack) != maxFrames || len([]rune(y.Seen)) != result.MaxText {
		t.Errorf("%d bytes of %d, %d frames, %d characters", len(y.Input), y.Octets, len(y.Stack), len([]rune(y.Seen)))
	}
	if len(x.Input) != maxInput+5 || len(x.Stack) != 1000 {
		t.Error("the campaign itself was cut")
	}
}

// A campaign with more findings than its file has room for is written: the last of them without their stacks and
// inputs.
func TestEncodeFuzzSharesTheRoom(t *testing.T) {
	for name, c := range map[string]struct{ findings, input, frame int }{
		"large inputs": {70, maxInput, 10},
		"short inputs": {1000, 12_000, 10},
		"deep stacks":  {100, 10, 4096},
	} {
		t.Run(name, func(t *testing.T) {
			f := fixture()
			x := panicFinding()
			x.Input, x.Octets = make([]byte, c.input), c.input
			x.Stack = slices.Repeat([]StackFrame{{Function: strings.Repeat("f", c.frame), File: "x.go", Line: 1}}, maxFrames)
			f.Targets[0].Findings = slices.Repeat([]Finding{x}, c.findings)
			back, err := Read(bytes.NewReader(encodeFuzz(t, f)), "x")
			if err != nil {
				t.Fatal(err)
			}
			all := back.Targets[0].Findings
			if first, last := all[0], all[len(all)-1]; len(all) != c.findings || len(first.Input) != c.input || len(first.Stack) != maxFrames || len(last.Input)+len(last.Stack) > 0 || last.Octets != c.input {
				t.Errorf("%d findings, %d and %d bytes of input", len(all), len(first.Input), len(last.Input))
			}
		})
	}
}

func TestWriteFuzzIsWholeOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fuzz.json")
	if err := Write(path, fixture()); err != nil {
		t.Fatal(err)
	}
	bad := fixture()
	bad.Targets[0].CPUTime = -1
	if err := Write(path, bad); err == nil {
		t.Error("a bad campaign was written")
	}
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(data, encodeFuzz(t, fixture())) {
		t.Errorf("the old file changed: %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("something was left aside: %v %v", names, err)
	}
}

// A campaign with random inputs reads back unchanged.
func TestFuzzInputsComeBack(t *testing.T) {
	gen := rand.New(rand.NewPCG(3, 4))
	for n := range 70 {
		f := fixture()
		x := &f.Targets[0].Findings[0]
		x.Input = make([]byte, n)
		for i := range x.Input {
			x.Input[i] = byte(gen.Uint32())
		}
		x.Octets = n
		back, err := Read(bytes.NewReader(encodeFuzz(t, f)), fmt.Sprint(n))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Targets[0].Findings[0].Input, x.Input) {
			t.Errorf("%x came back as %x", x.Input, back.Targets[0].Findings[0].Input)
		}
	}
}
