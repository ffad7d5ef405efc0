package fuzz

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// newFinding makes a finding of a confirmed fault.
func newFinding(t Target, f Fault, data []byte) report.Finding {
	return report.Finding{
		ID: f.id(t.Name), Oracle: f.Oracle, Seen: f.Seen, Stack: f.Stack, Input: data, Octets: len(data), Times: 1,
	}
}

// file is a file of a finding.
type file struct {
	path string
	data []byte
}

// write writes the files of a finding below out: the input, a test and a capture. If seeds is set it also
// writes the input where go test looks for it. Each file is written atomically and stays if a later one
// fails.
func write(p places, out string, t Target, f *report.Finding, seeds bool) error {
	dir := filepath.Join(out, "findings", t.Name+"-"+f.ID)
	seed := file{filepath.Join(dir, inputName(f.Input)), encodeInput(f.Input)}
	files := []file{seed}
	if seeds {
		seed.path = filepath.Join(t.testdata(p.root), inputName(f.Input))
		files = append(files, seed)
	}
	if t.Harness != nil {
		files = append(files, file{filepath.Join(dir, "finding_test.go"), testOf(t, f)})
	}
	if t.Packets != nil {
		data, err := capture(t.Packets(f.Input))
		if err != nil {
			return fmt.Errorf("capture of %s: %w", f.ID, err)
		}
		files = append(files, file{filepath.Join(dir, "finding.pcap"), data})
	}
	f.Files, f.Reproduce = nil, reproduce(p, t, seed.path)
	for _, one := range files {
		if err := writeAside(one.path, one.data); err != nil {
			return err
		}
		f.Files = append(f.Files, p.inside(one.path))
	}
	return nil
}

// inside returns a path relative to the module's folder.
func (p places) inside(path string) string {
	if inside, err := filepath.Rel(p.root, path); err == nil && !strings.HasPrefix(inside, "..") {
		return inside
	}
	return path
}

// reproduce returns a command line that reproduces a finding.
func reproduce(p places, t Target, seed string) string {
	seed = p.inside(seed)
	if t.Harness == nil {
		return fmt.Sprintf("go test -run '^%s$/^%s$' ./%s", t.native(), filepath.Base(seed), t.Package)
	}
	return fmt.Sprintf("tunnelbench fuzz repro --target %s %s", t.Name, seed)
}

// testOf returns the source of a test that fails as long as the fault exists. The test belongs into the
// package of the harness.
func testOf(t Target, f *report.Finding) []byte {
	return fmt.Appendf(nil, `package %s

import "testing"

// Test%s%s: %s
func Test%s%s(_ *testing.T) {
	%s([]byte(%q))
}
`, filepath.Base(t.Package), t.Function, f.ID, strings.ReplaceAll(f.Oracle+": "+f.Seen, "\n", " "), t.Function, f.ID, t.Function, f.Input)
}
