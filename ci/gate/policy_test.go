package gate

import (
	"bytes"
	"strings"
	"testing"
)

func TestDefaultPolicy(t *testing.T) {
	t.Parallel()
	p, err := ParsePolicy(DefaultPolicy(), "ci/gate/policy.yaml")
	if err != nil || p.judged() == 0 || p.judged() > mostJudged {
		t.Errorf("%+v %v", p, err)
	}
}

func TestBadPolicies(t *testing.T) {
	t.Parallel()
	good := string(DefaultPolicy())
	for why, edit := range map[string][2]string{
		"this program reads":               {"tunnelbench.policy/1", "tunnelbench.policy/2"},
		"risk: 0 is not":                   {"risk: 0.01", "risk: 0"},
		"risk: NaN is not":                 {"risk: 0.01", "risk: .nan"},
		"there have to be as many":         {"[0.1, 0.3, 0.6]", "[0.1]"},
		"more than 1":                      {"[0.1, 0.3, 0.6]", "[0.5, 0.5, 0.5]"},
		"is not above 32":                  {"[16, 32, 64]", "[16, 32, 32]"},
		"can show nothing":                 {"[16, 32, 64]", "[2, 32, 64]"},
		"margin: -1% is not":               {"margin: 1%", "margin: -1%"},
		"is no share":                      {"margin: 1%", "margin: a lot"},
		"most_dropped: 100% is not":        {"most_dropped: 20%", "most_dropped: 100%"},
		"there is no such metric":          {"name: stream_goodput", "name: goodput"},
		"stands twice":                     {"frame_size: 512", "frame_size: 64"},
		"is not above the margin":          {"frame_size: 64, limit: 10%", "frame_size: 64, limit: 0.5%"},
		"a frame has 64 to 9216":           {"frame_size: 512", "frame_size: 63"},
		"has no frame_size":                {"name: stream_goodput", "name: stream_goodput, frame_size: 64"},
		"needs a frame_size":               {"latency_p50, frame_size: 64", "latency_p50"},
		"exact has to be true":             {", exact: true", ""},
		"unknown field":                    {"looks:", "look_often: true\nlooks:"},
		"already defined":                  {"looks:", "risk: 0.02\nlooks:"},
		"not among the metrics":            {"acknowledged: []", "acknowledged: [{metric: x, commit: 0123abc, reason: y, expires: 2027-06-30}]"},
		"a commit of at least":             {"acknowledged: []", "acknowledged: [{metric: closed_loop_rate/64, commit: 01, reason: y, expires: 2027-06-30}]"},
		`not "main-branch"`:                {"acknowledged: []", "acknowledged: [{metric: closed_loop_rate/64, commit: main-branch, reason: y, expires: 2027-06-30}]"},
		"has no reason":                    {"acknowledged: []", "acknowledged: [{metric: closed_loop_rate/64, commit: 0123abc, expires: 2027-06-30}]"},
		"never expires":                    {"acknowledged: []", "acknowledged: [{metric: closed_loop_rate/64, commit: 0123abc, reason: y}]"},
		"is no date":                       {"acknowledged: []", "acknowledged: [{metric: closed_loop_rate/64, commit: 0123abc, reason: y, expires: soon}]"},
		"0 are judged by statistics":       {"metrics:\n", "metrics: []\nx:\n"},
		"schema: is \"\"":                  {"schema: tunnelbench.policy/1", ""},
		"its limit, 0%, is not above 0%":   {"frame_size: 64, limit: 10%", "frame_size: 64"},
		"its limit, 120%, is not above 0%": {"frame_size: 64, limit: 10%", "frame_size: 64, limit: 120%"},
		"its limit, -5%, is not above 0%":  {"frame_size: 64, limit: 10%", "frame_size: 64, limit: -5%"},
		"is larger than 64 KiB":            {"metrics:", "# " + strings.Repeat("x", MostPolicy) + "\nmetrics:"},
		`"\x1b[31mred": there is no s`:     {"name: stream_goodput", "name: \"\\e[31mred\""},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, edit[0], edit[1], 1)
			if text == good {
				t.Fatal("nothing is edited")
			}
			if why == "0 are judged by statistics" {
				text = good[:strings.Index(good, "metrics:\n")] + "metrics: []\n"
			}
			_, err := ParsePolicy([]byte(text), "p.yaml")
			if err == nil || !strings.Contains(err.Error(), why) || strings.ContainsAny(err.Error(), "\n\x1b") || !strings.HasPrefix(err.Error(), "p.yaml:") {
				t.Errorf("want %q, got %v", why, err)
			}
		})
	}
}

// FuzzPolicy checks that a gate ends with any policy that can be parsed.
func FuzzPolicy(f *testing.F) {
	f.Add(DefaultPolicy())
	for _, commit := range []string{"0012345", "[a]"} {
		f.Add(bytes.Replace(DefaultPolicy(), []byte("acknowledged: []"),
			[]byte("acknowledged:\n  - {metric: closed_loop_rate/64, commit: "+commit+", reason: r, expires: 2027-06-30}"), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy(data, "p")
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Fatalf("%q", err)
			}
			return
		}
		base, head := newSets()
		if j, err := Judge(p, base, head); err != nil || j.Pairs == 0 {
			t.Fatalf("%+v %v", j, err)
		}
	})
}

// A commit is taken as it is written, though YAML reads some as numbers.
func TestCommitOfDigits(t *testing.T) {
	t.Parallel()
	for _, commit := range []string{"0042798", "12345678", "1234567e8", "0b1010101", `"0042798"`, "'1234567'", "0123456789012345678901234567890123456789", "00abcde"} {
		t.Run(commit, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(string(DefaultPolicy()), "acknowledged: []", "acknowledged: [{metric: closed_loop_rate/64, commit: "+commit+", reason: y, expires: 2027-06-30}]", 1)
			p, err := ParsePolicy([]byte(text), "x")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(p.Acknowledged[0].Commit), strings.Trim(commit, `'"`); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
	_, err := ParsePolicy([]byte(strings.Replace(string(DefaultPolicy()), "acknowledged: []", "acknowledged: [{metric: closed_loop_rate/64, commit: [1234567], reason: y, expires: 2027-06-30}]", 1)), "x")
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a list: %v", err)
	}
}
