package netns

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

func TestGuardianRestores(t *testing.T) {
	testenv.NetAdmin(t)
	const other = "net/core/message_cost"
	old, oldOther := must[string](t)(readSysctl(harmless)), must[string](t)(readSysctl(other))
	g := must[*Guardian](t)(StartGuardian(nil))
	for _, s := range []setting{{harmless, "71"}, {other, "7"}, {harmless, "72"}, {harmless, "72"}} {
		if err := g.Set(s.key, s.value); err != nil {
			t.Fatal(err)
		}
		if now := must[string](t)(readSysctl(s.key)); now != s.value {
			t.Errorf("%s is %s, want %s", s.key, now, s.value)
		}
	}
	for _, key := range []string{"net/core/no_such", "../sys/net/core/message_burst", "/etc/passwd"} {
		if err := g.Set(key, "1"); err == nil || !strings.Contains(err.Error(), key[max(0, strings.LastIndexByte(key, '/')):]) {
			t.Errorf("%s: %v, want an error that names it", key, err)
		}
	}
	want := []string{
		"net.core.message_burst: " + old + " -> 71",
		"net.core.message_cost: " + oldOther + " -> 7",
		"net.core.message_burst: 71 -> 72",
	}
	if got := g.Changes(); !slices.Equal(got, want) {
		t.Errorf("changes %q, want %q", got, want)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	for key, want := range map[string]string{harmless: old, other: oldOther} {
		if now := must[string](t)(readSysctl(key)); now != want {
			t.Errorf("%s is %s after Close, want %s", key, now, want)
		}
	}
}

func TestGuardianTellsWhatItCouldNotRestore(t *testing.T) {
	testenv.NetAdmin(t)
	g := must[*Guardian](t)(StartGuardian(nil))
	if err := g.save(savedSetting{Key: "net/core/no_such", Old: "1"}); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err == nil || !strings.Contains(err.Error(), "restore net/core/no_such to 1") {
		t.Errorf("close: %v", err)
	}
}

func TestGuardianThatDied(t *testing.T) {
	testenv.NetAdmin(t)
	g := must[*Guardian](t)(StartGuardian(nil))
	before := must[string](t)(readSysctl(harmless))
	if err := g.cmd.Process.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	if err := g.Set(harmless, "73"); err == nil {
		t.Error("a setting was changed that nobody would restore")
	}
	if now := must[string](t)(readSysctl(harmless)); now != before {
		t.Errorf("%s is %s, was %s", harmless, now, before)
	}
	if err := g.Close(); err == nil {
		t.Error("close hides that the guardian was killed")
	}
}
