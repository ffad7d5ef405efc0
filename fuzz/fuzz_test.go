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
	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// faulty panics at an 'x' after an 'a', and breaks an oracle at a 'y'.
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
		t.Errorf("fault %+v of a harmless input", f)
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
		t.Error("two different faults have the same id")
	}
	if again := Check(faultyTarget, []byte("longer a and x")); again.id("faulty") != panicked.id("faulty") {
		t.Error("the same fault has two ids")
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

// An unreadable corpus file is named in the error, and the others are still read.
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
	back, err := ReadInput(t.Context(), filepath.Join(out, f.Files[1]))
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("% x, %v", back, err)
	}
}

// A finding that cannot be written is still reported.
func TestAFullDiskLosesNothing(t *testing.T) {
	dir := t.TempDir()
	full := filepath.Join(dir, "file")
	if err := os.WriteFile(full, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := &targetRun{plan: Plan{Out: full}, places: places{root: dir}, target: faultyTarget}
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

func one(data []byte) { _ = data[len(data)] }
func two(data []byte) { _ = data[len(data)+1] }

// Two faults within the same oracle have different stacks.
func TestOraclesAroundDecodersHideNoStack(t *testing.T) {
	within := func(decode func([]byte)) Target {
		return Target{Name: "within", Harness: func(data []byte) int {
			oracle.Allocates(oracle.PerByte(1<<20, data), func() { decode(data) })
			return 1
		}}
	}
	a, b := Check(within(one), []byte("x")), Check(within(two), []byte("x"))
	if a.id("t") == b.id("t") || len(a.Stack) == 0 || a.Stack[0].Function != "fuzz.one" || b.Stack[0].Function != "fuzz.two" {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestStacksOfDyingPrograms(t *testing.T) {
	const said = `panic: oracle state: 3 frames

goroutine 9 [running]:
testing.tRunner.func1.2({0x8b4340, 0xd22490})
	/usr/local/go/src/testing/testing.go:1974 +0x232
panic({0x8b4340?, 0xd22490?})
	/usr/local/go/src/runtime/panic.go:860 +0x13a
github.com/tunnelbench/tunnelbench/fuzz/oracle.Fail(...)
	github.com/tunnelbench/tunnelbench/fuzz/oracle/oracle.go:51
github.com/tunnelbench/tunnelbench/loadgen.(*receiver).book(0x1e5ae13291d0, {0x0, 0x0})
	github.com/tunnelbench/tunnelbench/loadgen/receiver.go:51 +0x35
github.com/tunnelbench/tunnelbench/loadgen.FuzzReceiver.func1({0x995400?, 0x1e5ae13291d0?})
	github.com/tunnelbench/tunnelbench/loadgen/fuzz_test.go:21 +0x38
created by testing.(*F).Fuzz.func1 in goroutine 8
	/usr/local/go/src/testing/fuzz.go:366 +0x4c5

goroutine 1 [chan receive]:
main.main()
	x.go:1
`
	f := faultOf(said)
	if f.Oracle != oracle.State || len(f.Stack) != 2 || f.Stack[0] != (report.StackFrame{Function: "loadgen.(*receiver).book", File: "loadgen/receiver.go", Line: 51}) {
		t.Errorf("%+v", f)
	}
	if late := faultOf("panic: test timed out after 8s\n\ngoroutine 7"); late.Oracle != oracle.Time {
		t.Errorf("%+v", late)
	}
}

// engineOf is an engine that runs a function.
type engineOf func(ctx context.Context, sample func(report.Sample)) (turn, error)

func (engineOf) build(context.Context, Target) error { return nil }

func (e engineOf) run(ctx context.Context, _ Target, _ time.Duration, sample func(report.Sample)) (turn, error) {
	return e(ctx, sample)
}

func betargetRun(ctx context.Context, t *testing.T, e engineOf) report.Target {
	dir := t.TempDir()
	s := &targetRun{plan: Plan{Out: dir, Time: time.Second, Program: "/nosuch"}, places: places{root: dir, work: dir}, engine: e, target: Target{Name: "idle", Function: "Idle"}}
	s.run(ctx)
	return s.report
}

// Neither an interrupted campaign nor an engine that executes nothing counts as clean.
func TestCutShortIsNotClean(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cut := betargetRun(ctx, t, func(_ context.Context, sample func(report.Sample)) (turn, error) {
		sample(report.Sample{Executions: 100})
		cancel()
		return turn{}, nil
	})
	if cut.Error != "interrupted" {
		t.Errorf("%+v", cut)
	}
	times := 0
	idle := betargetRun(context.Background(), t, func(context.Context, func(report.Sample)) (turn, error) {
		times++
		return turn{}, nil
	})
	if idle.Error != ErrBudget.Error() || times != 1 {
		t.Errorf("%d times: %+v", times, idle)
	}
}

// An input stays on disk if there is no program to confirm it with.
func TestACrasherOutlivesItsReplay(t *testing.T) {
	dir := t.TempDir()
	s := &targetRun{plan: Plan{Out: dir}, places: places{root: dir, work: dir}, engine: engineOf(nil), target: faultyTarget}
	s.replay = newReplayer(faultyTarget, "/nosuch")
	if _, err := s.found(context.Background(), []byte("ax"), time.Now()); err == nil {
		t.Error("the input was not replayed, but no error says so")
	}
	inputs, _ := readCorpus(filepath.Join(dir, "unconfirmed", "faulty"))
	if len(inputs) != 1 || string(inputs[0]) != "ax" {
		t.Errorf("%q", inputs)
	}
}
