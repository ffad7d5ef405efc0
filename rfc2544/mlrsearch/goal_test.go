package mlrsearch

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestPresets(t *testing.T) {
	t.Parallel()
	half := Ratio{num: 5, den: 10}
	for name, want := range map[string]Goal{
		"ndr":     {"ndr", 0, half, time.Second, time.Second, 21 * time.Second, 0.005},
		"pdr":     {"pdr", 0.005, half, time.Second, time.Second, 21 * time.Second, 0.005},
		"rfc2544": {"throughput", 0, Ratio{den: 1}, time.Minute, time.Minute, time.Minute, 0.005},
	} {
		if got, err := Preset(name); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	for name := range presets {
		if g, err := ParseGoal(name); err != nil || g.Width == 0 || g.Initial == 0 {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
	}
	if _, err := Preset("fast"); err == nil {
		t.Error("an unknown preset passed")
	}
}

func TestParseGoal(t *testing.T) {
	t.Parallel()
	const base = "loss=0.005,exceed=0.5,final=1s,sum=21s"
	for _, c := range []struct{ text, complaint string }{
		{base, ""}, {base + ",width=0.005", ""}, {base + ", initial=500ms ,name=mine_2", ""}, {"exceed=0,loss=0,final=60s,sum=60s", ""},
		{"", "key=value"}, {"loss", "key=value"}, {base + ",", "key=value"}, {base + ",width=", "key=value"},
		{"exceed=0.5,final=1s,sum=21s", "loss is missing"}, {"loss=0,final=1s,sum=21s", "exceed is missing"},
		{"loss=0,exceed=0.5,sum=21s", "final is missing"}, {"loss=0,exceed=0.5,final=1s", "sum is missing"},
		{base + ",los=1", `unknown key "los"`}, {base + ",loss=0.1", `"loss" comes twice`},
		{"loss=1,exceed=0.5,final=1s,sum=21s", "loss 1: must be"}, {"loss=-0.1,exceed=0.5,final=1s,sum=21s", "loss -0.1"},
		{"loss=NaN,exceed=0.5,final=1s,sum=21s", "loss"}, {"loss=x,exceed=0.5,final=1s,sum=21s", "loss"},
		{"loss=0,exceed=1,final=1s,sum=21s", "exceed"}, {"loss=0,exceed=-0.5,final=1s,sum=21s", "exceed"},
		{"loss=0,exceed=0.0000000001,final=1s,sum=21s", "at most 9 decimals"}, {"loss=0,exceed=5e-1,final=1s,sum=21s", "exceed"},
		{"loss=0,exceed=0.5,final=1,sum=21s", "final"}, {"loss=0,exceed=0.5,final=0s,sum=21s", "final"}, {"loss=0,exceed=0.5,final=1s,sum=-1s", "sum"},
		{base + ",initial=2s", "initial"}, {base + ",width=1", "width"}, {base + ",width=-1", "width"}, {base + ",name=a b", "name"},
		{base + ",name=throughput", "throughput"},
	} {
		g, err := ParseGoal(c.text)
		switch {
		case c.complaint == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.complaint != "" && (err == nil || !strings.Contains(err.Error(), c.complaint) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%q: %+v, error %v, want one line with %q", c.text, g, err, c.complaint)
		}
	}
	for text, want := range map[string]string{base: "pdr", "loss=0,exceed=0.5,final=1s,sum=21s": "ndr"} {
		if g, _ := ParseGoal(text); g.Name != want {
			t.Errorf("%q: name %q, want %q", text, g.Name, want)
		}
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"0": "0", "0.5": "0.5", ".5": "0.5", "0.50": "0.5", "00.2": "0.2", "0.": "0", "0.123456789": "0.123456789"} {
		r, err := ParseRatio(text)
		if err != nil || r.String() != want {
			t.Errorf("%q: %v, %v; want %s", text, r, err, want)
		}
	}
	for _, text := range []string{"", ".", "1", "1.0", "-0", "+0.5", "0.5.5", "0,5", "0x0.8", "0.5 ", "0.1234567891", "NaN", "½"} {
		if r, err := ParseRatio(text); err == nil {
			t.Errorf("%q passed as %v", text, r)
		}
	}
	var zero Ratio
	if num, den := zero.parts(); num != 0 || den != 1 {
		t.Errorf("the zero ratio is %d/%d", num, den)
	}
}

func TestGoalJSON(t *testing.T) {
	t.Parallel()
	g, err := Preset("quick")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(g)
	if err != nil || !strings.Contains(string(b), `"exceed_ratio":0.5,`) {
		t.Errorf("%s, %v", b, err)
	}
	var back Goal
	if err := json.Unmarshal(b, &back); err != nil || back != g {
		t.Errorf("%s read back as %+v, %v", b, back, err)
	}
}
