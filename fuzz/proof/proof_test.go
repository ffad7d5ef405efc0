package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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

// TestBugsAreDescribed: there are at least thirty bugs with unique names, each for an existing target.
func TestBugsAreDescribed(t *testing.T) {
	if len(bugs) < 30 {
		t.Errorf("%d bugs, want 30", len(bugs))
	}
	var names []string
	for _, b := range bugs {
		target, err := fuzz.Find(b.target)
		if err != nil || target.Harness == nil {
			t.Errorf("%s: target %q: %v", b.name, b.target, err)
		}
		if slices.Contains(names, b.name) || b.class == "" || b.doc == "" {
			t.Errorf("%s comes twice, or says too little", b.name)
		}
		names = append(names, b.name)
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
