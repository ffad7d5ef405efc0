package bounded

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// endless is a device without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path string
		why        string // of the error; empty: the file is read
	}{
		{"at the limit", write(t, strings.Repeat("x", 1<<10)), ""},
		{"empty", write(t, ""), ""},
		{"above the limit", write(t, strings.Repeat("x", 1<<10+1)), "is larger than 1 KiB"},
		{"a directory", t.TempDir(), "is a directory"},
		{"missing", filepath.Join(t.TempDir(), "none"), "no such file"},
		{"below a file", filepath.Join(write(t, ""), "none"), "not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data, err := File(t.Context(), c.path, 1<<10)
			if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why) || !strings.Contains(err.Error(), c.path)) {
				t.Errorf("%d bytes, %v, want %q", len(data), err, c.why)
			}
		})
	}
}

func TestStreamWithoutAnEnd(t *testing.T) {
	t.Parallel()
	if _, err := Stream(t.Context(), endless{}, "stdin", 1<<20); err == nil || err.Error() != "stdin: is larger than 1 MiB" {
		t.Error(err)
	}
	const room = 8 << 20
	if n := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			_, _ = Reader(endless{}, 1<<20)
		}
	}).AllocedBytesPerOp(); n > room {
		t.Errorf("%d bytes are allocated to read 1 MiB", n)
	}
}

// What never comes does not hold up a program that is asked to end.
func TestStreamThatNeverComes(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := errors.New("ended")
	cancel(ended)
	if _, err := Stream(ctx, r, "stdin", 1); !errors.Is(err, ended) {
		t.Error(err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, data, want, why string }{
		{"plain", "a\r\nb", "a\r\nb", ""},
		{"a mark", "\xef\xbb\xbfa", "a", ""},
		{"only a mark", "\xef\xbb\xbf", "", ""},
		{"a mark within", "a\xef\xbb\xbf", "a\xef\xbb\xbf", ""},
		{"UTF-16, little end first", "\xff\xfea\x00", "", "is UTF-16"},
		{"UTF-16, big end first", "\xfe\xff\x00a", "", "is UTF-16"},
		{"UTF-16 without a mark", "a\x00\n\x00", "", "NUL byte in line 1"},
		{"UTF-32, little end first", "\xff\xfe\x00\x00a\x00\x00\x00", "", "is UTF-32"},
		{"UTF-32, big end first", "\x00\x00\xfe\xff\x00\x00\x00a", "", "is UTF-32"},
		{"a NUL byte at the end", "a\nb\n\x00", "", "NUL byte in line 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Text([]byte(c.data))
			if string(got) != c.want || (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestAppendLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, want string }{
		{"whole lines", "a\n", "a\nb\n"}, {"a torn line", "a\nto", "a\nto\nb\n"}, {"an empty file", "", "b\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, c.before)
			if err := AppendLine(path, []byte("b\n")); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(c.want)) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}
