package fuzz

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
)

// faulty panics at 'x' behind 'a', breaks an oracle at 'y', and hangs never.
func faulty(data []byte) int {
	if i := bytes.IndexByte(data, 'a'); i >= 0 && bytes.IndexByte(data[i:], 'x') >= 0 {
		var empty []byte
		_ = empty[len(data)]
	}
	if bytes.IndexByte(data, 'y') >= 0 {
		oracle.Fail(oracle.Counted, "a 'y' in\n%q", data)
	}
	return 1
}

var faultyTarget = Target{Name: "faulty", Package: "fuzz", Function: "Faulty", Harness: faulty}

func TestCheckNamesWhatBroke(t *testing.T) {
	if f := Check(faultyTarget, []byte("abc")); !f.None() {
		t.Errorf("nothing is wrong, and it says %+v", f)
	}
	panicked, broken := Check(faultyTarget, []byte("a-x")), Check(faultyTarget, []byte("y"))
	if panicked.Oracle != oracle.Panic || !strings.Contains(panicked.Seen, "index out of range") {
		t.Errorf("%+v", panicked)
	}
	if broken.Oracle != oracle.Counted || strings.Contains(broken.Seen, "\n") {
		t.Errorf("%+v", broken)
	}
	for _, f := range []Fault{panicked, broken} {
		if len(f.Stack) != 1 || f.Stack[0].Function != "fuzz.faulty" || f.Stack[0].File != "fuzz/fuzz_test.go" {
			t.Errorf("the stack is %+v", f.Stack)
		}
	}
	if panicked.id("faulty") == broken.id("faulty") || panicked.id("faulty") == panicked.id("other") {
		t.Error("two findings are one")
	}
	if again := Check(faultyTarget, []byte("longer a and x")); again.id("faulty") != panicked.id("faulty") {
		t.Error("one finding is two")
	}
}

func TestMinimise(t *testing.T) {
	data := []byte(strings.Repeat("..", 300) + "a" + strings.Repeat("-", 99) + "x!!")
	smaller := minimise(context.Background(), data, func(d []byte) bool { return Check(faultyTarget, d).Oracle == oracle.Panic })
	if string(smaller) != "ax" {
		t.Errorf("%q", smaller)
	}
}

func TestInputsAreKeptAsGoTestKeepsThem(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("plain"), {0, 255, '"', '\\', '\n', 0x80}} {
		back, err := decodeInput(encodeInput(data))
		if err != nil || !bytes.Equal(back, data) {
			t.Errorf("% x comes back as % x, %v", data, back, err)
		}
	}
	if raw, err := decodeInput([]byte("as it is")); err != nil || string(raw) != "as it is" {
		t.Errorf("%q, %v", raw, err)
	}
	for _, bad := range []string{"", "int(3)\n", "[]byte(3)\n", "[]byte(\"a\")\n[]byte(\"b\")\n", "[]byte("} {
		if _, err := decodeInput([]byte(corpusHeader + bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// TestAFileThatCannotBeReadIsNamed, and costs the others nothing.
func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"good": "x", "bad": corpusHeader + "oops"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inputs, skipped := readCorpus(dir)
	if len(inputs) != 1 || len(skipped) != 1 || !strings.Contains(skipped[0].Error(), "bad") {
		t.Errorf("%q, %v", inputs, skipped)
	}
}

func TestFindingsAreWritten(t *testing.T) {
	out := t.TempDir()
	target, err := Find("decap")
	if err != nil {
		t.Fatal(err)
	}
	data := target.Seeds()[0]
	f := newFinding(target, Fault{Oracle: oracle.Panic, Seen: "it broke"}, data)
	if err := write(places{root: out}, out, target, &f, true); err != nil {
		t.Fatal(err)
	}
	if len(f.Files) != 4 || !strings.HasPrefix(f.Reproduce, "tunnelbench fuzz repro --target decap fuzz/wire/testdata/fuzz/FuzzDecap/") {
		t.Errorf("%q %q", f.Files, f.Reproduce)
	}
	back, err := ReadInput(filepath.Join(out, f.Files[1]))
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("% x, %v", back, err)
	}
}

// TestAFullDiskLosesNothing: what cannot be written is still reported.
func TestAFullDiskLosesNothing(t *testing.T) {
	dir := t.TempDir()
	full := filepath.Join(dir, "file")
	if err := os.WriteFile(full, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := &siege{plan: Plan{Out: full}, places: places{root: dir}, target: faultyTarget}
	fresh, err := s.add(Fault{Oracle: oracle.Panic, Seen: "it broke"}, []byte("ax"), time.Now())
	if !fresh || err == nil || len(s.report.Findings) != 1 {
		t.Errorf("fresh %v, %v, %d findings", fresh, err, len(s.report.Findings))
	}
}

func TestUnknownTargetsAreNamed(t *testing.T) {
	if _, err := Find("nobody"); err == nil || !strings.Contains(err.Error(), "header") {
		t.Error(err)
	}
	if _, err := (places{}).newEngine("magic"); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func TestWhatGoTestSays(t *testing.T) {
	for text, want := range map[string]Fault{
		"--- FAIL: FuzzX (0.00s)\npanic: oracle agreement: it: 4 here, 2 there [recovered, repanicked]\n\ngoroutine 9": {Oracle: oracle.Agreement, Seen: "it: 4 here, 2 there"},
		"panic: runtime error: index out of range [1]\n":                                                               {Oracle: oracle.Panic, Seen: "runtime error: index out of range [1]"},
		"--- FAIL\n    x_test.go:7: two frames\n":                                                                      {Oracle: oracle.Agreement, Seen: "two frames"},
		"fatal error: all goroutines are asleep\n":                                                                     {Oracle: oracle.Panic, Seen: "fatal error: all goroutines are asleep"},
	} {
		if got := faultOf(text); got.Oracle != want.Oracle || got.Seen != want.Seen {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
