package mlrsearch

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadReplay(t *testing.T) {
	t.Parallel()
	const text = "{\"load_fps\":1000.5,\"duration_s\":0.25,\"loss_ratio\":0.005}\r\n\n" +
		" {\"loss_ratio\":1,\"effective_duration_s\":1.5,\"load_fps\":1e6,\"duration_s\":1}"
	got, err := ReadReplay(strings.NewReader(text))
	want := []Trial{
		{1000.5, 250 * time.Millisecond, 250 * time.Millisecond, 0.005},
		{1e6, time.Second, 1500 * time.Millisecond, 1},
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := ReadReplay(strings.NewReader("")); err != nil || len(got) != 0 {
		t.Errorf("nothing read as %v, %v", got, err)
	}
}

func TestReadReplayRefuses(t *testing.T) {
	t.Parallel()
	good := `{"load_fps":1000,"duration_s":1,"loss_ratio":0}`
	for name, line := range map[string]string{
		"unknown key": `{"load_fps":1000,"duration_s":1,"loss_ratio":0,"x":1}`, "no load": `{"duration_s":1,"loss_ratio":0}`,
		"null": `{"load_fps":null,"duration_s":1,"loss_ratio":0}`, "zero load": `{"load_fps":0,"duration_s":1,"loss_ratio":0}`,
		"negative load": `{"load_fps":-5,"duration_s":1,"loss_ratio":0}`, "huge load": `{"load_fps":1e999,"duration_s":1,"loss_ratio":0}`,
		"negative duration": `{"load_fps":1000,"duration_s":-1,"loss_ratio":0}`, "zero duration": `{"load_fps":1000,"duration_s":0,"loss_ratio":0}`,
		"negative effective": `{"load_fps":1000,"duration_s":1,"effective_duration_s":-1,"loss_ratio":0}`,
		"endless":            `{"load_fps":1000,"duration_s":1e300,"loss_ratio":0}`, "too short": `{"load_fps":1000,"duration_s":1e-10,"loss_ratio":0}`,
		"loss above 1": `{"load_fps":1000,"duration_s":1,"loss_ratio":1.01}`, "negative loss": `{"load_fps":1000,"duration_s":1,"loss_ratio":-0.01}`,
		"NaN": `{"load_fps":1000,"duration_s":1,"loss_ratio":NaN}`, "text": `{"load_fps":"1000","duration_s":1,"loss_ratio":0}`,
		"two": good + good, "array": `[1,2]`, "cut": `{"load_fps":10`, "word": `hello`, "number": `5`, "nil": `null`, "binary": "\x00\xff",
		"long": `{"x":"` + strings.Repeat("x", 1<<17) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadReplay(strings.NewReader(good + "\n" + line + "\n"))
			if err == nil || !strings.HasPrefix(err.Error(), "line 2: ") || strings.Contains(err.Error(), "\n") || got != nil {
				t.Errorf("%v, error %v; want one line beginning with line 2", got, err)
			}
		})
	}
	century := `{"load_fps":1000,"duration_s":1e9,"loss_ratio":0}` + "\n"
	if _, err := ReadReplay(strings.NewReader(strings.Repeat(century, 10))); err == nil || !strings.Contains(err.Error(), "292 years") {
		t.Errorf("trials of 310 years: error %v", err)
	}
}

func TestReplayJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(ReplayResult{Evaluate(trials(11, time.Second, 0), []Goal{goal(t, "loss=0,exceed=0.5,final=1s,sum=21s")})})
	const want = `{"goals":[{"goal":{"name":"ndr","loss_ratio":0,"exceed_ratio":0.5,"initial_ns":0,"final_ns":1000000000,"sum_ns":21000000000,"width":0},` +
		`"lower_fps":1000000,"upper_fps":null,"conditional_throughput_fps":1000000,"regular":false}]}`
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRegular(t *testing.T) {
	t.Parallel()
	at := func(load float64, loss float64) []Trial {
		all := trials(1, time.Minute, loss)
		all[0].Load = load
		return all
	}
	for _, c := range []struct {
		name         string
		lower, upper float64
		width        string
		want         bool
	}{
		{"just wide enough", 199, 200, ",width=0.005", true},
		{"another load", 995, 1000, ",width=0.005", true},
		{"too wide", 198.9, 200, ",width=0.005", false},
		{"no width asked for", 1, 200, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := goal(t, "loss=0,exceed=0,final=60s,sum=60s"+c.width)
			if got := Evaluate(append(at(c.upper, 0.1), at(c.lower, 0)...), []Goal{g})[0]; got.Regular != c.want {
				t.Errorf("%v to %v: regular %t, want %t", c.lower, c.upper, got.Regular, c.want)
			}
		})
	}
}
