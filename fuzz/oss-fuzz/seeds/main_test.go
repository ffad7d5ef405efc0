package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz"
)

// TestPack: each input occurs once, after one byte, and the archive is always the same.
func TestPack(t *testing.T) {
	archive, err := pack([][]byte{[]byte("b"), nil, []byte("a"), []byte("b")})
	if err != nil {
		t.Fatal(err)
	}
	again, err := pack([][]byte{[]byte("a"), []byte("b"), nil})
	if err != nil || !bytes.Equal(archive, again) {
		t.Errorf("the order of the inputs changes the archive, %v", err)
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, file := range r.File {
		f, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		got[string(data)] = true
	}
	if len(r.File) != 3 || !got["\x00"] || !got["\x00a"] || !got["\x00b"] {
		t.Errorf("%d files, %v", len(r.File), got)
	}
}

// TestInputsAreSeedsAndTestdata: files of go test are decoded; a file that cannot be decoded is an error.
func TestInputsAreSeedsAndTestdata(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "fuzz", "some", "testdata", "fuzz", "FuzzThing")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	target := fuzz.Target{Package: "fuzz/some", Function: "Thing", Seeds: func() [][]byte { return [][]byte{[]byte("seed")} }}
	if err := os.WriteFile(filepath.Join(dir, "0123"), []byte("go test fuzz v1\n[]byte(\"\\x00kept\")\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := inputs(root, target)
	if err != nil || len(all) != 2 || string(all[0]) != "seed" || string(all[1]) != "\x00kept" {
		t.Errorf("%q, %v", all, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "4567"), []byte("go test fuzz v1\nint(3)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := inputs(root, target); err == nil {
		t.Error("a file without a []byte is accepted")
	}
}
