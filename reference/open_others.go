//go:build !linux

package reference

import (
	"errors"
	"fmt"
)

// open fails: it needs Linux's TUN device and batched socket calls.
func open(Config, *peerTable) (port, conn, error) {
	return nil, nil, fmt.Errorf("needs linux: %w", errors.ErrUnsupported)
}
