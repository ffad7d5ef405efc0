package kv

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, list string
		want       Pairs
		err        string
	}{
		{"order is kept", "sum=21s,loss=0", Pairs{{"sum", "21s"}, {"loss", "0"}}, ""},
		{"space around", "loss=0, sum=1s ", Pairs{{"loss", "0"}, {"sum", "1s"}}, ""},
		{"the value has an equals sign", "loss=a=b", Pairs{{"loss", "a=b"}}, ""},
		{"an old name", "weary=1s", Pairs{{"weary", "1s"}}, ""},
		{"empty", "", nil, `"": write key=value,key=value: use loss, sum, exceed`},
		{"no value", "loss=", nil, `"loss=": write key=value`},
		{"no key", "=1", nil, `"=1": write key=value`},
		{"trailing comma", "loss=0,", nil, `"": write key=value`},
		{"twice", "loss=0,loss=1", nil, `key "loss" comes twice`},
		{"typo", "exced=0", nil, `unknown key "exced", did you mean exceed: use loss, sum, exceed`},
		{"capitals", "LOSS=0", nil, `did you mean loss`},
		{"unknown", "colour=0", nil, `unknown key "colour": use loss, sum, exceed`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(c.list, []string{"loss", "sum", "exceed"}, "weary")
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("pairs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPairs(t *testing.T) {
	t.Parallel()
	p := Pairs{{"loss", "0"}, {"sum", "1s"}}
	if v, ok := p.Get("sum"); v != "1s" || !ok {
		t.Errorf("sum is %q, %v", v, ok)
	}
	if v, ok := p.Get("final"); ok {
		t.Errorf("final is %q", v)
	}
	if diff := cmp.Diff(map[string]string{"loss": "0", "sum": "1s"}, p.Map()); diff != "" {
		t.Errorf("map (-want +got):\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"forward", "reverse", "both", "loss"}
	for word, want := range map[string]string{
		"foward": "forward", "Reverse": "reverse", "bot": "both", "los": "loss", "lsos": "loss", "lossy": "loss",
		"": "", "x": "", "sideways": "", strings.Repeat("forward", 100): "",
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			if got, ok := Nearest(word, known); got != want || ok != (want != "") {
				t.Errorf("%q, %v, want %q", got, ok, want)
			}
		})
	}
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"150kpps": {150e3, Frames}, "3Mpps": {3e6, Frames}, "1.5PPS": {1.5, Frames}, "10fps": {10, Frames},
		"1Gbps": {1e9, Bits}, "100Mbps": {100e6, Bits}, "0.5kbps": {500, Bits}, "9bps": {9, Bits}, " 80% ": {0.8, Share}, "-1fps": {-1, Frames},
		"": {}, "1": {}, "fps": {}, "max": {}, "1Tbps": {}, "1 Gbps": {}, "NaNfps": {}, "Infbps": {}, "1e400bps": {}, "1e305gbps": {},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if got, ok := ParseRate(text); got != want || ok != (want != Rate{}) {
				t.Errorf("%v, %v, want %v", got, ok, want)
			}
		})
	}
}
