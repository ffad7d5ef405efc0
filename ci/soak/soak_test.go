//go:build linux

package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A seed and a number give one step; many steps meet every verb and every event.
func TestPlan(t *testing.T) {
	t.Parallel()
	met := map[string]bool{}
	for number := range 2000 {
		s := choice{clocks: true}.plan(7, number)
		if again := (choice{clocks: true}).plan(7, number); s.String() != again.String() {
			t.Fatalf("%v, then %v", s, again)
		}
		met[s.verb.name], met[s.event.name], met[s.device] = true, true, true
		if s.after < started || s.after > s.verb.long {
			t.Errorf("%v: the moment is %v", s, s.after)
		}
		if status := s.allowed(); slices.Contains(status, 1) || !slices.Contains(status, fine) {
			t.Errorf("%v: allows %v", s, status)
		}
		if s.verb.local && s.event.name == collision {
			t.Errorf("%v: opens no lab", s)
		}
	}
	want := slices.Concat(soundDevices, badDevices, eventNames)
	for _, v := range verbs {
		want = append(want, v.name)
	}
	for _, name := range want {
		if !met[name] {
			t.Errorf("no step of 2000 has %s", name)
		}
	}
	for number := range 2000 {
		if s := (choice{}).plan(7, number); s.event.name == clockStep {
			t.Fatalf("%v: the clock was not to be touched", s)
		}
	}
}

// Steps can be drawn from a few verbs and events; a verb to which none of the events can happen is left alone.
func TestChoice(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	for number := range 200 {
		s := choice{verbs: []string{"run", "report"}, events: []string{killed, collision}}.plan(3, number)
		met[s.verb.name+": "+s.event.name]++
		if s.verb.local && s.event.name == collision {
			t.Errorf("%v", s)
		}
	}
	if len(met) != 3 || met["run: kill"] == 0 || met["run: another lab"] == 0 || met["report: kill"] == 0 {
		t.Errorf("%v", met)
	}
	if s := (choice{verbs: []string{"list"}, events: []string{collision}}).plan(3, 1); s.event.name != nothing {
		t.Errorf("%v", s)
	}
	for _, c := range []choice{{verbs: []string{"runs"}}, {events: []string{"kill", ""}}} {
		if err := c.check(); err == nil {
			t.Errorf("%v is accepted", c)
		}
	}
	if err := (choice{verbs: []string{"ab"}, events: eventNames}).check(); err != nil {
		t.Error(err)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, want string }{
		"results that are cut off":  {"results.json", `{"schema":`, "results.json"},
		"JSON":                      {"gate.json", `{"a":1}`, ""},
		"JSON that is cut off":      {"gate.json", `{"a":`, "unexpected end"},
		"a torn last line":          {"journal.jsonl", "{}\n{\"a\"", ""},
		"a torn line in the middle": {"journal.jsonl", "{}\n{\"a\"\n{}\n", "line 2"},
		"a page that is cut off":    {"report.html", "<html><body>", "cut off"},
		"a page":                    {"report.html", "<html></html>\n", ""},
		"a half-written file":       {"results.json.tmp123", "", "half-written"},
		"a chart that is cut off":   {"a.png", "\x89PNG", "a.png"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(unreadable(dir), "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	before := state{mounts: []string{"/"}, links: []string{"lo", "eth0"}, folders: nil, sysctls: map[string]string{"/proc/sys/net/a": "1\n", "/proc/sys/net/gone": "1\n"}}
	after := state{mounts: []string{"/", "/x"}, links: []string{"lo"}, folders: []string{"/tmp/tunnelbench-1"}, sysctls: map[string]string{"/proc/sys/net/a": "2\n"}}
	want := []string{"mount left behind: /x", "link gone: eth0", "folder left behind: /tmp/tunnelbench-1", `/proc/sys/net/a: "1" became "2"`}
	if diff := cmp.Diff(want, before.differences(after)); diff != "" {
		t.Error(diff)
	}
	if same := before.differences(before); len(same) > 0 {
		t.Errorf("a state differs from itself: %v", same)
	}
}

// The processes of a step are found by its mark, also those that have left its process group.
func TestProcesses(t *testing.T) {
	mark := variable + "test-" + t.Name()
	k, s := soak{program: "/bin/sleep", dir: t.TempDir()}, step{verb: verb{name: "sleep", args: func(string, string) string { return "60" }}}
	cmd := k.prepare(t.Context(), s, k.dir, mark)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if got := processes(mark); len(got) != 1 || !strings.Contains(got[0], "sleep 60") {
		t.Errorf("%q", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if got := processes(mark); len(got) > 0 {
		t.Errorf("after its end: %q", got)
	}
}

// An empty list of names is none, which means all.
func TestEmptyList(t *testing.T) {
	program := flag.CommandLine
	defer func() { flag.CommandLine = program }()
	flag.CommandLine = flag.NewFlagSet("soak", flag.ContinueOnError)
	for text, want := range map[string]int{"": 0, "run": 1, "run,report": 2} {
		var got []string
		list(&got, "names "+text, "")
		if err := flag.Set("names "+text, text); err != nil || len(got) != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
