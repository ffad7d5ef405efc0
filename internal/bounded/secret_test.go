package bounded

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecret(t *testing.T) {
	t.Parallel()
	own := func(mode os.FileMode, size int) string {
		path := write(t, strings.Repeat("x", size))
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(own(0o644, 1), link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		why        string // of the error; empty: the file is read
	}{
		{"the owner's", own(0o600, 1<<10), ""},
		{"read only", own(0o400, 0), ""},
		{"above the limit", own(0o600, 1<<10+1), "is larger than 1 KiB"},
		{"the group may read", own(0o640, 1), "others may use it (mode 0640): chmod 600"},
		{"others may read", own(0o604, 1), "others may use it (mode 0604)"},
		{"others may write", own(0o602, 1), "others may use it"},
		{"a link to one that others may read", link, "others may use it"},
		{"a directory", t.TempDir(), "is no regular file"},
		{"a device", os.DevNull, "is no regular file"},
		{"missing", filepath.Join(t.TempDir(), "none"), "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data, err := Secret(t.Context(), c.path, 1<<10)
			if got := fmt.Sprint(err); c.why == "" && err != nil || c.why != "" && (!strings.Contains(got, c.why) || !strings.Contains(got, c.path)) {
				t.Errorf("%d bytes, %v, want %q", len(data), err, c.why)
			}
		})
	}
}
