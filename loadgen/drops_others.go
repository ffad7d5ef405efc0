//go:build !linux

package loadgen

import (
	"errors"
	"fmt"
)

var errNeedsLinux = fmt.Errorf("the drop monitor needs Linux: %w", errors.ErrUnsupported)

// Drops counts what a Linux kernel drops.
type Drops struct{}

// NewDrops says that this system cannot.
func NewDrops([]uint32) (*Drops, error) { return nil, errNeedsLinux }

// Arm says so too.
func (d *Drops) Arm() error { return errNeedsLinux }

// Disarm says so too.
func (d *Drops) Disarm() (map[DropPlace]uint64, error) { return nil, errNeedsLinux }

// Close has nothing to undo.
func (d *Drops) Close() error { return nil }
