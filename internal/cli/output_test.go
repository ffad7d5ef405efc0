package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// The last line says where what was measured is, or that it is lost and why.
func TestOutputSaysWhereTheResultsAre(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	for name, c := range map[string]struct {
		saved, full, noTemp bool  // results were saved before; the disk is full now; so is the one for temporary files
		verdict             error // of the verb
		said, last          string
	}{
		"fine":                          {saved: true},
		"interrupted":                   {saved: true, verdict: context.Canceled, last: "context canceled; what was measured is in OUT/results.json"},
		"no room":                       {full: true, said: "tunnelbench: write OUT/partial.json: ", last: "no such file or directory; what was measured is in TEMP/results-"},
		"no room anywhere":              {full: true, noTemp: true, said: "tunnelbench: write OUT/partial.json: ", last: "no such file or directory; what was measured is lost"},
		"no room anywhere, interrupted": {full: true, noTemp: true, verdict: context.Canceled, said: "is lost if", last: "no such file or directory; what was measured is lost"},
		"no room later":                 {saved: true, full: true, noTemp: true, said: "is lost if", last: "; a part of what was measured is in OUT/partial.json, the rest is lost"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			temp := t.TempDir()
			if c.noTemp {
				temp = gone
			}
			t.Setenv("TMPDIR", temp)
			var said bytes.Buffer
			out := NewOutput(dir, Streams{Out: &bytes.Buffer{}, Err: &said}, ProgressLine{})
			r := resulttest.Small()
			if c.saved {
				out.Save(r)
			}
			if c.full {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				out.Save(r)
				out.Save(r)
			}
			err := out.Write(r, c.verdict)
			last := ""
			if err != nil {
				last = strings.NewReplacer(dir, "OUT", temp, "TEMP").Replace(OneLine(err))
			}
			if (last == "") != (c.last == "") || !strings.Contains(last, c.last) || c.noTemp && !strings.HasSuffix(last, c.last) {
				t.Errorf("last line %q, want %q", last, c.last)
			}
			if text := strings.ReplaceAll(said.String(), dir, "OUT"); !strings.Contains(text, c.said) || c.full && strings.Count(text, "is lost if") != 1 {
				t.Errorf("said %q, want %q", text, c.said)
			}
			if _, err := os.Stat(filepath.Join(dir, PartialFile)); !c.full && !os.IsNotExist(err) {
				t.Errorf("%s is left beside results.json: %v", PartialFile, err)
			}
		})
	}
}
