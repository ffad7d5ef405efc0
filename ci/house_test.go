package ci

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Limits that keep the code readable. The command only turns flags into values, so its limit is
// lower than a package's.
const (
	mostPackageFiles = 25
	mostPackageLines = 2500
	mostCommandLines = 2000
	mostFileLines    = 400
	mostFuncLines    = 62
	mostP90FuncLines = 28
	mostMedianLines  = 10
	mostParameters   = 5
)

// source is one hand-written Go file, tests excluded.
type source struct {
	path      string // relative to the module's root
	lines     int
	functions []function
}

// function is the place and size of a declared function.
type function struct {
	name              string
	lines, parameters int
}

func (s source) folder() string { return filepath.ToSlash(filepath.Dir(s.path)) }

// sources returns the module's hand-written files, tests excluded.
func sources(t *testing.T) (all []source) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name == "testdata" || name == "out" || strings.HasPrefix(name, ".") && name != ".." {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || generated(text) {
			return err
		}
		all = append(all, sourceOf(t, strings.TrimPrefix(filepath.ToSlash(path), "../"), text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no Go file found")
	}
	return all
}

// generated reports whether a file has the "Code generated" line (go.dev/s/generatedcode).
func generated(text []byte) bool {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "// Code generated ") && strings.HasSuffix(line, " DO NOT EDIT.") {
			return true
		}
		if strings.HasPrefix(line, "package ") {
			return false
		}
	}
	return false
}

func sourceOf(t *testing.T, path string, text []byte) source {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s := source{path: path, lines: bytes.Count(text, []byte("\n"))}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			lines := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1
			s.functions = append(s.functions, function{f.Name.Name, lines, f.Type.Params.NumFields()})
		}
	}
	return s
}

// TestPackageSizes checks that packages stay small; a large one usually has two jobs.
func TestPackageSizes(t *testing.T) {
	type size struct{ files, lines int }
	sizes := map[string]size{}
	for _, s := range sources(t) {
		was := sizes[s.folder()]
		sizes[s.folder()] = size{was.files + 1, was.lines + s.lines}
	}
	for folder, got := range sizes {
		most := mostPackageLines
		if folder == "cmd/tunnelbench" {
			most = mostCommandLines
		}
		if got.files > mostPackageFiles || got.lines > most {
			t.Errorf("%s: %d files, %d lines: at most %d and %d", folder, got.files, got.lines, mostPackageFiles, most)
		}
	}
}

// TestFunctionSizes checks that functions and files are short enough to read at once.
func TestFunctionSizes(t *testing.T) {
	var lengths []int
	for _, s := range sources(t) {
		if s.lines > mostFileLines {
			t.Errorf("%s: %d lines: at most %d", s.path, s.lines, mostFileLines)
		}
		for _, f := range s.functions {
			lengths = append(lengths, f.lines)
			if f.lines > mostFuncLines {
				t.Errorf("%s: %s has %d lines: at most %d", s.path, f.name, f.lines, mostFuncLines)
			}
			if f.parameters > mostParameters {
				t.Errorf("%s: %s has %d parameters: at most %d", s.path, f.name, f.parameters, mostParameters)
			}
		}
	}
	slices.Sort(lengths)
	median, p90 := lengths[len(lengths)/2], lengths[len(lengths)*9/10]
	t.Logf("%d functions: median %d lines, 90th percentile %d, longest %d", len(lengths), median, p90, lengths[len(lengths)-1])
	if median > mostMedianLines || p90 > mostP90FuncLines {
		t.Errorf("functions: median %d lines, 90th percentile %d: at most %d and %d", median, p90, mostMedianLines, mostP90FuncLines)
	}
}

// TestOnePlaceForSignals checks that only internal/signals decides what ends the program. Other
// packages use os/signal for SIGUSR1 alone, by which people ask for counters.
func TestOnePlaceForSignals(t *testing.T) {
	allowed := []string{"internal/signals", "internal/cli", "netns/dut/role", "cmd/tunnelbench"}
	for _, s := range sources(t) {
		text, err := os.ReadFile(filepath.Join("..", s.path))
		if err != nil {
			t.Fatal(err)
		}
		imports := bytes.Contains(text, []byte("\t\"os/signal\"\n"))
		ends := bytes.Contains(text, []byte("signal.NotifyContext(")) || bytes.Contains(text, []byte("signal.Ignore("))
		example := strings.HasPrefix(s.path, "docs/examples/")
		if imports && !example && (!slices.Contains(allowed, s.folder()) || ends && s.folder() != "internal/signals") {
			t.Errorf("%s: says what happens on a signal: call internal/signals", s.path)
		}
	}
}
