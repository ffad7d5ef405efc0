package counting

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/ci/gate/count"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// record writes the file of a side, in two layouts that cost the same, and returns its path.
func record(t *testing.T, name, emulator, kernel string, instructions float64) string {
	t.Helper()
	c := &result.Counts{
		Emulator: emulator, Kernel: kernel, Costs: []result.Cost{{Device: "reference", FrameSize: 64, Instructions: instructions, Batches: 100}},
	}
	side := &count.Side{Name: name, Device: "reference", Layouts: []*result.Counts{c, c}}
	dir := t.TempDir()
	if err := side.WriteFile(dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name+".json")
}

// Two recorded sides are judged as a run judges them. Those of another emulator, of another kernel or
// of no side at all are bad input, and nothing is written.
func TestRecorded(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		head string
		exit int
		says string
	}{
		"the same":         {record(t, gate.HeadSide, "QEMU 7.2", "6.1", 20000), 0, "PASS"},
		"dearer":           {record(t, gate.HeadSide, "QEMU 7.2", "6.1", 20300), 3, "+1.50 %"},
		"another emulator": {record(t, gate.HeadSide, "QEMU 8.0", "6.1", 20000), 2, `of "QEMU 7.2" and of "QEMU 8.0" cannot be compared`},
		"another kernel":   {record(t, gate.HeadSide, "QEMU 7.2", "6.12", 20000), 2, "of kernel 6.1 and of kernel 6.12 cannot be compared"},
		"no side":          {text, 2, "(whole file): has no"},
		"no file":          {text + "x", 2, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			g := &Gate{Policy: gate.Counts{Frames: 0.01, Calls: 0.01}, Out: t.TempDir()}
			err := g.Recorded(t.Context(), record(t, gate.BaseSide, "QEMU 7.2", "6.1", 20000), c.head, cli.Streams{Out: &out})
			if got := cli.Status(t.Context(), err, &out); got != c.exit || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit status %d, want %d, and %q in:\n%s", got, c.exit, c.says, out.String())
			}
			written, err := filepath.Glob(filepath.Join(g.Out, "count.*"))
			if err != nil {
				t.Fatal(err)
			}
			if got := len(written) == 2; got != (c.exit != 2) || len(written) == 1 {
				t.Errorf("written: %v", written)
			}
		})
	}
}
