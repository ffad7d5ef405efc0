package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// leastRoom is what has to be free where results go, in bytes.
const leastRoom = 1 << 20

// EnsureDir creates the output directory, so that an unwritable directory fails before the
// measurement and not after it.
func EnsureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return BadUsage("--out: %w", err)
	}
	for _, name := range []string{"results.json", PartialFile, "report.html"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
			return BadUsage("--out: %s is a directory: choose another", filepath.Join(dir, name))
		}
	}
	probe, err := os.CreateTemp(dir, ".tunnelbench-*")
	if err != nil {
		return BadUsage("--out: %s is not writable: %w", dir, err)
	}
	_, err = probe.Write(make([]byte, leastRoom))
	if err := errors.Join(err, probe.Sync(), probe.Close(), os.Remove(probe.Name())); err != nil {
		return MachineFault(fmt.Errorf("--out: %s has no room: %w", dir, err))
	}
	return nil
}
