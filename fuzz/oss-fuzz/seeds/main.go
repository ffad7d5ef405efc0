// Seeds writes the files that OSS-Fuzz and ClusterFuzzLite expect beside each program: its seeds as
// NAME_seed_corpus.zip, its options and its dictionary. They do not run a target with go test, and
// therefore see neither f.Add nor testdata/fuzz.
//
//	seeds -list      # one line each: import path, native target, program
//	seeds -out DIR
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/tunnelbench/tunnelbench/fuzz"
)

const module = "github.com/tunnelbench/tunnelbench/"

func main() {
	list := flag.Bool("list", false, "print the targets that are built as programs")
	out := flag.String("out", "", "folder to write to")
	flag.Parse()
	if err := run(os.Stdout, *list, *out); err != nil {
		fmt.Fprintln(os.Stderr, "seeds:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, list bool, out string) error {
	if list == (out != "") {
		return errors.New("want one of -list and -out DIR")
	}
	root, err := fuzz.Root()
	if err != nil {
		return err
	}
	for _, t := range fuzz.Targets() {
		if t.Harness == nil { // its native target needs root, which a container lacks
			continue
		}
		if list {
			fmt.Fprintln(w, module+t.Package, "Fuzz"+t.Function, t.Name)
			continue
		}
		if err := write(root, out, t); err != nil {
			return fmt.Errorf("target %s: %w", t.Name, err)
		}
	}
	return nil
}

func write(root, out string, t fuzz.Target) error {
	inputs, err := inputs(root, t)
	if err != nil {
		return err
	}
	corpus, err := pack(inputs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, t.Name+"_seed_corpus.zip"), corpus, 0o644); err != nil {
		return err
	}
	for _, kind := range []string{".options", ".dict"} {
		if err := copyOwn(filepath.Join(root, "fuzz", "oss-fuzz"), out, t, kind); err != nil {
			return err
		}
	}
	return nil
}

// copyOwn copies the target's file of that kind, or else its package's.
func copyOwn(from, out string, t fuzz.Target, kind string) error {
	data, err := os.ReadFile(filepath.Join(from, t.Name+kind))
	if errors.Is(err, fs.ErrNotExist) {
		data, err = os.ReadFile(filepath.Join(from, path.Base(t.Package)+kind))
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, t.Name+kind), data, 0o644)
}

// inputs returns a target's seeds and its committed inputs, as the harness takes them.
func inputs(root string, t fuzz.Target) ([][]byte, error) {
	all := t.Seeds()
	dir := filepath.Join(root, filepath.FromSlash(t.Package), "testdata", "fuzz", "Fuzz"+t.Function)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		data, err := fuzz.ReadInput(context.Background(), filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// weight is the byte that go-118-fuzz-build_v2 reads before the input of a target, to divide the input
// among several arguments. With one argument it has no effect, but is still consumed.
const weight = 0

// pack makes a zip archive of the inputs, without duplicates. The same inputs make the same bytes: files
// are sorted by name, uncompressed and without a time.
func pack(inputs [][]byte) ([]byte, error) {
	byName := map[string][]byte{}
	for _, data := range inputs {
		file := append([]byte{weight}, data...)
		byName[fmt.Sprintf("%x", sha256.Sum256(file))[:16]] = file
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, name := range names {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(byName[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return archive.Bytes(), err
}
