package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var someKey = JournalKey{Kernel: "6.1", Commit: "abc", CPUPlan: "tester 0, dut 1", Settings: "sizes=64"}

var (
	trialA = rfc2544.Trial{Size: 64, Load: 1000, Duration: time.Second}
	trialB = rfc2544.Trial{Size: 64, Load: 2000, Duration: time.Second, Traffic: rfc2544.Traffic{Burst: 16, BurstRate: 1e6}}
	reset  = rfc2544.Reset{Kind: rfc2544.ResetPower, At: time.Second, Off: time.Second}
)

// writeJournal leaves the journal of a run that was cut short.
func writeJournal(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := OpenJournal(t.Context(), path, someKey, false)
	if err != nil {
		t.Fatal(err)
	}
	seen := rfc2544.Observation{Counts: rfc2544.Counts{Intended: 1000, Offered: 1000, Received: 999, Lost: 1}, Valid: true, Drops: rfc2544.Drops{}, Stalls: []rfc2544.Stall{}, Warnings: []string{}}
	for _, line := range []journalLine{
		{DUT: "x", Explored: &explored{Size: 64, Ceiling: 5000, Hint: 3000}},
		{DUT: "x", Trial: &trialA, Observation: &seen},
		{DUT: "y", Trial: &trialA, Observation: &seen},
		{DUT: "x", Trial: &trialB, Reset: &reset, Unsupported: "nothing to reset"},
		{DUT: "x", Trial: &trialB, Observation: &seen},
	} {
		if err := j.append(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

var errMeasured = errors.New("had to be measured")

func replaying(j *Journal, device string) journalled {
	return journalled{j, device, func(context.Context) (Setup, error) { return nil, errMeasured }, nil}
}

// A run that was killed while it wrote goes on behind the last whole line, and
// measures nothing twice.
func TestJournalResumes(t *testing.T) {
	ctx := context.Background()
	path := writeJournal(t)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"dut":"x","trial":{"frame_si`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	j, err := OpenJournal(t.Context(), path, someKey, true)
	if err != nil {
		t.Fatal(err)
	}
	m := replaying(j, "x")
	if e, err := m.explore(ctx, 64); err != nil || e.Ceiling != 5000 || e.Hint != 3000 {
		t.Errorf("%+v, %v", e, err)
	}
	if o, err := m.Measure(ctx, trialA); err != nil || o.Lost != 1 || !o.Valid {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := m.MeasureReset(ctx, trialB, reset); !errors.Is(err, errors.ErrUnsupported) || err.Error() != "nothing to reset" {
		t.Errorf("error %v", err)
	}
	if _, err := m.Measure(ctx, trialB); err != nil {
		t.Error(err)
	}
	if _, err := m.Measure(ctx, trialB); !errors.Is(err, errMeasured) {
		t.Errorf("error %v: nothing more was recorded", err)
	}
	// What does not fit in is dropped, and what follows of the same device.
	if _, err := replaying(j, "y").Measure(ctx, trialB); !errors.Is(err, errMeasured) {
		t.Errorf("error %v: another trial was recorded", err)
	}
	if _, err := replaying(j, "y").Measure(ctx, trialA); !errors.Is(err, errMeasured) {
		t.Errorf("error %v: what follows a trial that does not fit in is not the procedure's", err)
	}
	if j.Replayed != 3 || j.Waiting != 4 {
		t.Errorf("%d of %d replayed", j.Replayed, j.Waiting)
	}
	if err := j.append(journalLine{DUT: "z", Explored: &explored{Size: 64}}); err != nil {
		t.Fatal(err)
	}
	over := filepath.Join(filepath.Dir(path), "trials.jsonl")
	if err := j.Finish(over); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(over)
	if lines := strings.Split(string(text), "\n"); err != nil || len(lines) != 8 || !strings.HasPrefix(lines[6], `{"dut":"z"`) {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

// Trials of another key are not mixed in, and what was measured is not lost by accident.
func TestJournalRefuses(t *testing.T) {
	path := writeJournal(t)
	refused := func(name string, key JournalKey, resume bool, complaint string) {
		t.Helper()
		_, err := OpenJournal(t.Context(), path, key, resume)
		if !errors.Is(err, lab.ErrConfig) || !strings.Contains(err.Error(), complaint) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, complaint)
		}
	}
	refused("not resumed", someKey, false, "go on with --resume")
	for name, change := range map[string]func(*JournalKey){
		"kernel": func(k *JournalKey) { k.Kernel = "6.2" }, "commit": func(k *JournalKey) { k.Commit = "abd" },
		"CPU plan": func(k *JournalKey) { k.CPUPlan = "tester 1, dut 0" }, "settings": func(k *JournalKey) { k.Settings = "sizes=128" },
	} {
		key := someKey
		change(&key)
		refused(name, key, true, name+` "`)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": "{", "no journal": "hello\n", "another schema": `{"schema":"x","key":{}}` + "\n",
		"line 2":      `{"schema":"tunnelbench.journal/1","key":{"kernel":"6.1","commit":"abc","cpu_plan":"tester 0, dut 1","settings":"sizes=64"}}` + "\n{}\n",
		"a long line": strings.Repeat("x", mostJournalLine+1) + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(name, someKey, true, "line ")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused("nothing there", someKey, true, "no run to resume")
}

// A journal of many trials takes little memory.
func TestJournalTakesLittleMemory(t *testing.T) {
	path := writeJournal(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, lines, _ := strings.Cut(string(text), "\n")
	whole := head + "\n" + strings.Repeat(lines, 5000)
	if err := os.WriteFile(path, []byte(whole), 0o644); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	j, err := OpenJournal(t.Context(), path, someKey, true)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err != nil || j.Waiting != 20_000 || after.HeapAlloc > before.HeapAlloc+4<<20 {
		t.Errorf("%v, %d trials, %d bytes for a journal of %d", err, j.Waiting, after.HeapAlloc-before.HeapAlloc, len(whole))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// The journal of a long run is larger than what the memory takes.
func TestLargeJournalResumes(t *testing.T) {
	path := writeJournal(t)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	begin := []byte(`{"dut":"large",` + strings.Repeat(" ", mostJournalLine-200))
	for n := range 150 {
		if _, err := fmt.Fprintf(f, "%s\"explored\":{\"frame_size\":64,\"ceiling_fps\":%d,\"hint_fps\":1}}\n", begin, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := OpenJournal(t.Context(), path, someKey, true)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for n := range 150 {
		if e, err := replaying(j, "large").explore(t.Context(), 64); err != nil || e.Ceiling != rfc2544.Rate(n) {
			t.Fatalf("%d: %+v, %v", n, e, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenJournal(ended, path, someKey, true); !errors.Is(err, context.Canceled) {
		t.Errorf("%v: reading goes on when the program is asked to end", err)
	}
}

// What a disk that is full leaves of a line is no part of the journal.
func TestJournalWritesOverATornLine(t *testing.T) {
	path := writeJournal(t)
	j, err := OpenJournal(t.Context(), path, someKey, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.file.WriteAt([]byte(`{"dut":"z","explored":{"frame_size":6`), j.end); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.append(journalLine{DUT: "z", Explored: &explored{Size: 64}}), j.Close()); err != nil {
		t.Fatal(err)
	}
	if j, err = OpenJournal(t.Context(), path, someKey, true); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := replaying(j, "z").explore(t.Context(), 64); err != nil {
		t.Error(err)
	}
}

func TestIsJournal(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for path, want := range map[string]bool{writeJournal(t): true, none: false, t.TempDir(): false, "journal.go": false, "/dev/null": false} {
		if got := IsJournal(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
