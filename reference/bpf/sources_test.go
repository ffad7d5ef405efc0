package bpf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestObjectsAreOfTheseSources: the committed objects are those that `make
// generate` made of the committed sources. This needs no clang: the same
// command wrote the hashes of both.
func TestObjectsAreOfTheseSources(t *testing.T) {
	files, err := filepath.Glob("*.[cho]")
	if err != nil || len(files) < 6 {
		t.Fatalf("found only %q, %v", files, err)
	}
	slices.Sort(files)
	var now bytes.Buffer
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&now, "%x  %s\n", sha256.Sum256(data), name)
	}
	committed, err := os.ReadFile("sources.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(now.Bytes(), committed) {
		t.Errorf("the sources or objects are not those of sources.sha256: run make generate. They are\n%s", now.Bytes())
	}
}
