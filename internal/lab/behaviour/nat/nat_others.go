//go:build !linux

package nat

import (
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/netns"
)

// NAT is never opened: it needs Linux.
type NAT struct{}

// Open returns an error that wraps errors.ErrUnsupported.
func Open(*netns.NS, string, string, int) (*NAT, error) {
	return nil, fmt.Errorf("passing frames needs Linux: %w", errors.ErrUnsupported)
}

// Forget does nothing.
func (*NAT) Forget() {}

// Close does nothing.
func (*NAT) Close() error { return nil }
