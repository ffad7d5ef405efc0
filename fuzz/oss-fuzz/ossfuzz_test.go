//go:build unix

package ossfuzz_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz"
)

// TestBuild runs build.sh as the image does, with a compiler that only logs its arguments.
func TestBuild(t *testing.T) {
	out := build(t)
	compiled := strings.Fields(string(read(t, filepath.Join(out, "compiled"))))
	var want []string
	for _, target := range targets() {
		want = append(want, "github.com/tunnelbench/tunnelbench/"+target.Package, "Fuzz"+target.Function, target.Name)
		checkSeeds(t, target, filepath.Join(out, target.Name+"_seed_corpus.zip"))
		checkOptions(t, filepath.Join(out, target.Name+".options"))
		checkDictionary(t, filepath.Join(out, target.Name+".dict"))
	}
	if !slices.Equal(compiled, want) {
		t.Errorf("build.sh compiles\n%v, want\n%v", compiled, want)
	}
}

// build returns $OUT.
func build(t *testing.T) string {
	t.Helper()
	root, err := fuzz.Root()
	if err != nil {
		t.Fatal(err)
	}
	bin, src, out := t.TempDir(), t.TempDir(), t.TempDir()
	const compiler = "#!/bin/sh\necho \"$@\" >>\"$OUT/compiled\"\necho >\"$OUT/$3\"\nchmod +x \"$OUT/$3\"\n"
	if err := os.WriteFile(filepath.Join(bin, "compile_native_go_fuzzer_v2"), []byte(compiler), 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable() // build.sh needs a program built by this Go version
	if err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{filepath.Join(bin, "go-118-fuzz-build_v2"): self, filepath.Join(src, "tunnelbench"): root} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".clusterfuzzlite", "build.sh"))
	cmd.Env = append(os.Environ(), "SRC="+src, "OUT="+out, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build.sh: %v\n%s", err, said)
	}
	return out
}

// checkSeeds compares the archive with the seeds, each after the tool's weight byte.
func checkSeeds(t *testing.T, target fuzz.Target, archive string) {
	t.Helper()
	r, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var packed [][]byte
	for _, file := range r.File {
		f, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil || len(data) == 0 {
			t.Fatalf("%s: %s: %d bytes, %v", archive, file.Name, len(data), err)
		}
		packed = append(packed, data[1:])
	}
	for i, seed := range target.Seeds() {
		if !slices.ContainsFunc(packed, func(data []byte) bool { return bytes.Equal(data, seed) }) {
			t.Errorf("%s: seed %d is not there", archive, i)
		}
	}
}

func checkOptions(t *testing.T, file string) {
	t.Helper()
	values := map[string]int{}
	for line := range strings.Lines(string(read(t, file))) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			values[name], _ = strconv.Atoi(value)
		}
	}
	for _, name := range []string{"max_len", "timeout", "rss_limit_mb"} {
		if values[name] <= 0 {
			t.Errorf("%s: %s is %d", file, name, values[name])
		}
	}
	if len(values) != 3 {
		t.Errorf("%s: %v", file, values)
	}
}

// entry matches a line of a libFuzzer dictionary. libFuzzer refuses a whole file with one bad line.
var entry = regexp.MustCompile(`^"([^"\\]|\\\\|\\"|\\x[0-9a-f]{2})+"$`)

func checkDictionary(t *testing.T, file string) {
	t.Helper()
	seen := map[string]bool{}
	for line := range strings.Lines(string(read(t, file))) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if !entry.MatchString(line) || seen[line] {
			t.Errorf("%s: %s: no entry, or twice", file, line)
		}
		seen[line] = true
	}
	if len(seen) == 0 {
		t.Errorf("%s is empty", file)
	}
}

// TestFilesAreUsed checks that each dictionary and options file belongs to a target or its package.
func TestFilesAreUsed(t *testing.T) {
	known := map[string]bool{}
	for _, target := range targets() {
		known[target.Name], known[path.Base(target.Package)] = true, true
	}
	for _, kind := range []string{".dict", ".options"} {
		files, err := filepath.Glob("*" + kind)
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s here, %v", kind, err)
		}
		for _, file := range files {
			if !known[strings.TrimSuffix(file, kind)] {
				t.Errorf("%s: no such target, nor package of targets", file)
			}
		}
	}
}

// TestTheirTagChangesNothing: OSS-Fuzz builds with -tags gofuzz, including the test files of a target's
// package.
func TestTheirTagChangesNothing(t *testing.T) {
	files := func(tags string) string {
		list, err := exec.CommandContext(t.Context(), "go", "list", "-tags", tags, "-f", "{{.ImportPath}} {{.GoFiles}} {{.TestGoFiles}}", "../...").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(list)
	}
	if without, with := files(""), files("gofuzz"); without != with {
		t.Errorf("without the tag:\n%s\nwith it:\n%s", without, with)
	}
}

// targets returns the targets that OSS-Fuzz can run.
func targets() []fuzz.Target {
	return slices.DeleteFunc(fuzz.Targets(), func(t fuzz.Target) bool { return t.Harness == nil })
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
