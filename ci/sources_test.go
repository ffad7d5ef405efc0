package ci

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestObjectsAreOfTheirSources checks that the committed BPF objects were built from the committed
// sources. `make generate` writes the hashes of both, so the test needs no clang.
func TestObjectsAreOfTheirSources(t *testing.T) {
	folders := foldersOfC(t)
	if len(folders) < 3 {
		t.Fatalf("C sources only in %q", folders)
	}
	for _, dir := range folders {
		t.Run(filepath.ToSlash(dir), func(t *testing.T) {
			committed, err := os.ReadFile(filepath.Join(dir, "sources.sha256"))
			if err != nil {
				t.Fatal(err)
			}
			if now := hashes(t, dir); !bytes.Equal(now, committed) {
				t.Errorf("sources or objects are not those of sources.sha256: run make generate. They are\n%s", now)
			}
		})
	}
}

// foldersOfC returns the folders with C files, but not those of recipes: they are no BPF.
func foldersOfC(t *testing.T) (folders []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path == filepath.Join("..", "recipes") {
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".c") && !slices.Contains(folders, filepath.Dir(path)) {
			folders = append(folders, filepath.Dir(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

// hashes returns the sha256sum lines of a folder's sources and objects.
func hashes(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.[cho]"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	var lines bytes.Buffer
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(data), filepath.Base(path))
	}
	return lines.Bytes()
}
