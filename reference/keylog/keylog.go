// Package keylog writes what opens the sessions of a sealed tunnel to a file, for Wireshark.
//
//	wireguard.Device ── Secrets, for each handshake ──> File ──> wg.keylog_file of Wireshark
//
// Whoever has the file reads all traffic of these sessions, also what was recorded before. It has the end's
// private key, too.
package keylog

import (
	"fmt"
	"os"
	"sync"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// File is a key log that grows. Any goroutine may use it.
type File struct {
	lock   sync.Mutex
	file   *os.File
	ended  bool
	failed func(error)
}

// Open opens a key log, to append to it. It makes the file for its owner only, and refuses one that others may
// use. failed is called once, with one line, if the file takes no more: then no more is written.
func Open(path string, failed func(error)) (*File, error) {
	f, err := bounded.AppendSecret(path)
	if err != nil {
		return nil, fmt.Errorf("key log: %w", err)
	}
	return &File{file: f, failed: failed}, nil
}

// Add appends the secrets of a session. It is there for settings.Config.Secrets.
func (f *File) Add(s wireguard.Secrets) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.ended {
		return
	}
	// A full disk may have left a part of a line in front: it ends here, and Wireshark takes no notice of it.
	if _, err := f.file.Write(append([]byte("\n"), s.KeyLog()...)); err != nil {
		f.ended = true
		f.failed(fmt.Errorf("key log: no more keys are written: %w", err))
	}
}

// Close closes the file. Later secrets are dropped.
func (f *File) Close() error {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.ended = true
	return f.file.Close()
}
