package keylog

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

var session = wireguard.Secrets{Static: wireguard.PrivateKey{1}, Ephemeral: wireguard.PrivateKey{2}, Remote: wireguard.PublicKey{3}, Preshared: wireguard.PresharedKey{4}}

// What is there stays, and nobody else may read it.
func TestItGrows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	for range 2 {
		f, err := Open(path, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		f.Add(session)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		f.Add(session) // too late, and no failure
	}
	data, err := os.ReadFile(path)
	if err != nil || bytes.Count(data, session.KeyLog()) != 2 || bytes.Count(data, []byte("=")) != 2*bytes.Count(session.KeyLog(), []byte("=")) {
		t.Errorf("%v: %q", err, data)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

// A file that others may use is refused, and so is what is no file: a pipe would wait for a reader.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open, pipe := filepath.Join(dir, "open"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(open, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{open: "chmod 600", pipe: "no regular file", dir: "no regular file", filepath.Join(dir, "no", "keys"): "no such file"} {
		if f, err := Open(path, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %v; want one line with %q", path, f, err, want)
		}
	}
}

// A disk that is full is said once, and the tunnel goes on.
func TestAFullDiskIsSaidOnce(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var said []error
	f := &File{file: full, failed: func(err error) { said = append(said, err) }}
	f.Add(session)
	f.Add(session)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.Contains(said[0].Error(), "no space left") || strings.Contains(said[0].Error(), "\n") {
		t.Errorf("%q, want one line", said)
	}
}
