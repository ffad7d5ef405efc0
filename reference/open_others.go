//go:build !linux

package reference

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// open returns an error that wraps errors.ErrUnsupported, because the tunnel needs Linux.
func open(*settings.Config, *peerTable) (port, conn, error) {
	return nil, nil, fmt.Errorf("needs linux: %w", errors.ErrUnsupported)
}

func socketName(netip.AddrPort) any { return nil }
