package cli

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgressLine(t *testing.T) {
	t.Parallel()
	var terminal, file bytes.Buffer
	for _, p := range []ProgressLine{{&terminal}, NewProgressLine(&file)} {
		p.Show("trial %d", 1)
		p.Show("trial %d", 2)
		p.Clear()
	}
	if diff := cmp.Diff("\r\x1b[Ktrial 1\r\x1b[Ktrial 2\r\x1b[K", terminal.String()); diff != "" {
		t.Errorf("terminal (-want +got):\n%s", diff)
	}
	if file.Len() > 0 {
		t.Errorf("no terminal, and it got %q", &file)
	}
}
