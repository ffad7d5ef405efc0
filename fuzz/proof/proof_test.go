package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz"
)

// TestBugsFitTheDecoders: each edit finds its text once, each bug has an edit, and the result is valid Go.
func TestBugsFitTheDecoders(t *testing.T) {
	files, err := plant(func(name string) (string, error) {
		data, err := os.ReadFile(filepath.Join("../..", name))
		return string(data), err
	}, bugs)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for name, text := range files {
		if _, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution); err != nil {
			t.Error(err)
		}
		all.WriteString(text)
	}
	for _, b := range bugs {
		if !strings.Contains(all.String(), `planted.Is("`+b.name+`")`) {
			t.Errorf("%s: no edit mentions it", b.name)
		}
	}
}

// TestBugsAreDescribed: there are at least thirty bugs with unique names, each for an existing target or test.
func TestBugsAreDescribed(t *testing.T) {
	if len(bugs) < 30 {
		t.Errorf("%d bugs, want 30", len(bugs))
	}
	var names []string
	for _, b := range bugs {
		if err := exists(b.by); err != nil {
			t.Errorf("%s: %v", b.name, err)
		}
		if slices.Contains(names, b.name) || b.class == "" || b.doc == "" {
			t.Errorf("%s comes twice, or says too little", b.name)
		}
		names = append(names, b.name)
	}
}

// exists returns an error if there is no such target, or no such test.
func exists(k killer) error {
	if k.test == "" {
		target, err := fuzz.Find(k.target)
		if err == nil && target.Harness == nil {
			err = errors.New("the target has no harness")
		}
		return err
	}
	files, err := filepath.Glob(filepath.Join("../..", k.pkg, "*_test.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.Contains(string(text), "\nfunc "+k.test+"(t *testing.T) {") {
			return nil
		}
	}
	return fmt.Errorf("%s has no %s", k.pkg, k.test)
}

// TestProofRunsTests: a test that fails has found a bug, one that passes has not, and one that does not run is an error.
func TestProofRunsTests(t *testing.T) {
	p := proof{out: t.TempDir(), root: "../..", limit: time.Minute, tests: map[string]bool{}}
	for _, c := range []struct {
		name, active string
		failed       bool
		err          error
	}{
		{"TestNotices", "bug", true, nil}, {"TestNotices", "", false, nil},
		{"TestOverlooks", "bug", false, nil}, {"TestRenamed", "bug", false, errSilent},
	} {
		failed, _, err := p.runTest(t.Context(), test("fuzz/proof/testdata/tried", c.name), c.active)
		if failed != c.failed || !errors.Is(err, c.err) {
			t.Errorf("%s with %q: failed %v, %v", c.name, c.active, failed, err)
		}
	}
}

func TestPlantRefusesWhatDoesNotFit(t *testing.T) {
	read := func(string) (string, error) { return "package x\n\nvar a, b = 1, 1\n", nil }
	for _, old := range []string{"c", "1"} {
		if _, err := plant(read, []bug{{name: "x", edits: []edit{{"x.go", old, "2"}}}}); err == nil {
			t.Errorf("%q was replaced", old)
		}
	}
}
