package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be written is said before anything is measured: one line with the flag, and nothing is left behind.
func TestEnsure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "trace.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string // empty: no error
	}{
		{EnsureDir(dir), ""},
		{EnsureDir(filepath.Join(dir, "new", "newer")), ""},
		{EnsureDir(dir, "trace.json"), "--out: " + filepath.Join(dir, "trace.json") + " is a directory"},
		{EnsureDir(file), "--out: "},
		{EnsureFile("--pcap", filepath.Join(dir, "hops.pcapng")), ""},
		{EnsureFile("--pcap", file), ""},
		{EnsureFile("--pcap", dir), "--pcap: " + dir + " is a directory"},
		{EnsureFile("--pcap", filepath.Join(file, "hops.pcapng")), "--pcap: "},
	} {
		switch {
		case c.want == "" && c.err == nil:
		case c.want == "" || c.err == nil || !strings.HasPrefix(c.err.Error(), c.want) || Status(t.Context(), c.err, io.Discard) != ExitUsage:
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".tunnelbench-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
