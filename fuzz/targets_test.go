package fuzz

import (
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

// TestEveryTargetIsListed: every native target in the source is in Targets, and every target exists.
// `make fuzz` runs only Targets.
func TestEveryTargetIsListed(t *testing.T) {
	have := targetsInSource(t)
	var listed []string
	for _, target := range Targets() {
		listed = append(listed, target.Package+" "+target.native())
	}
	if len(have) == 0 {
		t.Fatal("no target found in the source")
	}
	for _, target := range have {
		if !slices.Contains(listed, target) {
			t.Errorf("%s: missing in Targets, so it is never run", target)
		}
	}
	for _, target := range listed {
		if !slices.Contains(have, target) {
			t.Errorf("Targets: %s: no such target", target)
		}
	}
}

// TestGoFuzzHasEveryHarness reads the source, because a build tag hides the functions from tests.
func TestGoFuzzHasEveryHarness(t *testing.T) {
	for _, target := range Targets() {
		if target.Harness == nil || target.Embeds {
			continue
		}
		data, err := os.ReadFile(filepath.Join("..", target.Package, "gofuzz.go"))
		if want := "func " + target.native() + "(data []byte) int { return " + target.Function + "(data) }"; err != nil || !strings.Contains(strings.Join(strings.Fields(string(data)), " "), want) {
			t.Errorf("%s/gofuzz.go (%v): want %s", target.Package, err, want)
		}
	}
}

// TestTargetsAreWhole: names are unique; every target with a harness has seeds that break no oracle, and
// converts them to captures if its inputs are packets.
func TestTargetsAreWhole(t *testing.T) {
	names := map[string]bool{}
	for _, target := range Targets() {
		if names[target.Name] || target.Doc == "" {
			t.Errorf("%s comes twice, or says nothing", target.Name)
		}
		names[target.Name] = true
		if target.Harness == nil {
			continue
		}
		for i, seed := range target.Seeds() {
			if f := Check(target, seed); !f.None() {
				t.Errorf("%s: seed %d: oracle %s: %s", target.Name, i, f.Oracle, f.Seen)
			}
			if target.Packets == nil {
				continue
			}
			if file, err := capture(target.Packets(seed)); err != nil || len(file) < 24 {
				t.Errorf("%s: seed %d: a capture of %d bytes, %v", target.Name, i, len(file), err)
			}
		}
	}
}

// targetsInSource returns "package function" for every native target.
func targetsInSource(t *testing.T) (targets []string) {
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && isOtherModule(path):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				targets = append(targets, folder+" "+f.Name.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return targets
}

func isOtherModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil || strings.HasPrefix(filepath.Base(folder), ".")
}

// TestEveryInputHasATarget finds testdata whose target was moved or removed.
func TestEveryInputHasATarget(t *testing.T) {
	known := map[string]bool{}
	for _, target := range Targets() {
		known[target.testdata("..")] = true
	}
	found := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "out" || d.Name() == ".git" || filepath.Base(path) == "control"):
			return fs.SkipDir
		case d.IsDir() && filepath.Base(filepath.Dir(path)) == "fuzz" && filepath.Base(filepath.Dir(filepath.Dir(path))) == "testdata":
			found++
			if !known[path] {
				t.Errorf("%s: no target reads this folder", path)
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d folders, %v", found, err)
	}
}
