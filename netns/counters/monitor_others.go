//go:build !linux

package counters

import (
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/netns"
)

var errNeedsLinux = fmt.Errorf("drop counters need Linux: %w", errors.ErrUnsupported)

// Read returns an error that wraps errors.ErrUnsupported, because the counters need Linux.
func Read(*netns.Net) (Snapshot, error) { return nil, errNeedsLinux }

type monitor struct{}

func newMonitor([]uint32) (*monitor, error) { return nil, errNeedsLinux }

func (m *monitor) arm() error { return errNeedsLinux }

func (m *monitor) disarm() (map[cause]uint64, error) { return nil, errNeedsLinux }

func (m *monitor) close() error { return nil }
