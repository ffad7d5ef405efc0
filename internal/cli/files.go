package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// leastRoom is what has to be free where results go, in bytes.
const leastRoom = 1 << 20

// EnsureDir creates the directory of --out, in which results and these files are to be written: what cannot be written there fails
// before the measurement and not after it.
func EnsureDir(dir string, files ...string) error {
	return ensure("--out", dir, append([]string{"results.json", PartialFile, "report.html"}, files...))
}

// EnsureFile does the same for the file of another flag.
func EnsureFile(flag, path string) error {
	return ensure(flag, filepath.Dir(path), []string{filepath.Base(path)})
}

func ensure(flag, dir string, files []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return BadUsage("%s: %w", flag, err)
	}
	for _, name := range files {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
			return BadUsage("%s: %s is a directory: choose another", flag, filepath.Join(dir, name))
		}
	}
	probe, err := os.CreateTemp(dir, ".tunnelbench-*")
	if err != nil {
		return BadUsage("%s: %s is not writable: %w", flag, dir, err)
	}
	_, err = probe.Write(make([]byte, leastRoom))
	if err := errors.Join(err, probe.Sync(), probe.Close(), os.Remove(probe.Name())); err != nil {
		return MachineFault(fmt.Errorf("%s: %s has no room: %w", flag, dir, err))
	}
	return nil
}
