package cli

import (
	"os"
)

// EnsureDir creates the output directory, so that an unwritable directory fails before the
// measurement and not after it.
func EnsureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return BadUsage("--out: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".tunnelbench-*")
	if err != nil {
		return BadUsage("--out: %s is not writable: %w", dir, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}
