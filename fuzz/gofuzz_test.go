package fuzz

import (
	"os"
	"slices"
	"testing"
)

// A target is instrumented where it belongs to this module, and its build is used again until one of
// those sources changes.
func TestGoFuzzBuildsWhatTheTargetNeeds(t *testing.T) {
	t.Parallel()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	g := &goFuzz{places{root: root, work: t.TempDir()}}
	packages, err := g.packages(t.Context(), Target{Name: "header", Package: wirePackage, Function: "Header"})
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, p := range packages {
		own[p.path] = p.own
	}
	for path, want := range map[string]bool{
		"github.com/tunnelbench/tunnelbench/reference/wire": true, "github.com/gopacket/gopacket/layers": false, "encoding/binary": false,
	} {
		if got, ok := own[path]; !ok || got != want {
			t.Errorf("%s: of this module %t (among the packages %t), want %t", path, got, ok, want)
		}
	}
	last := slices.IndexFunc(packages, func(p dependency) bool { return p.path == "github.com/tunnelbench/tunnelbench/fuzz/wire" })
	source := t.TempDir() + "/more.go"
	packages[last].files = append(packages[last].files, source)
	var keys []string
	for _, text := range []string{"package wire\n", "package wire\n", "package wire // changed\n"} {
		if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		key, err := g.key("go1.26", packages)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if keys[0] != keys[1] || keys[1] == keys[2] {
		t.Errorf("keys of equal, equal and changed sources: %q", keys)
	}
}
