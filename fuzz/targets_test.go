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

// TestEveryTargetIsListed: a target that nobody runs finds nothing, and a line
// without a target would run nothing.
func TestEveryTargetIsListed(t *testing.T) {
	have, listed := targetsInSource(t), targetsListed(t)
	if len(have) == 0 {
		t.Fatal("no target found in the source")
	}
	for _, target := range have {
		if !slices.Contains(listed, target) {
			t.Errorf("%s: add it to fuzz/targets.txt, or nobody runs it", target)
		}
	}
	for _, target := range listed {
		if !slices.Contains(have, target) {
			t.Errorf("fuzz/targets.txt: %s: no such target", target)
		}
	}
}

// targetsInSource are "engine package function", as in the list.
func targetsInSource(t *testing.T) (targets []string) {
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && isOtherModule(path):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := "." + strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "..")
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && engineOf(f, path) != "" {
				targets = append(targets, engineOf(f, path)+" "+folder+" "+f.Name.Name)
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

// engineOf is who runs a function: FuzzX of a test is a native target, Fuzz
// elsewhere one of go-fuzz; others are none.
func engineOf(f *ast.FuncDecl, path string) string {
	switch isTest := strings.HasSuffix(path, "_test.go"); {
	case isTest && strings.HasPrefix(f.Name.Name, "Fuzz"):
		return "native"
	case !isTest && f.Name.Name == "Fuzz":
		return "go-fuzz"
	}
	return ""
}

func targetsListed(t *testing.T) (targets []string) {
	list, err := os.ReadFile("targets.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			targets = append(targets, strings.Join(fields, " "))
		}
	}
	return targets
}
