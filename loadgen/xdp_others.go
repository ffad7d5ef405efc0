//go:build !linux

package loadgen

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// XDP is the engine that sends and receives inside the kernel.
type XDP struct{}

var errNeedsLinux = fmt.Errorf("the xdp engine needs Linux: %w", errors.ErrUnsupported)

// NewXDP says that this system has no such engine.
func NewXDP(EngineConfig) (*XDP, error) { return nil, errNeedsLinux }

// Run says so too.
func (x *XDP) Run(context.Context, Plan) (Ledger, error) { return Ledger{}, errNeedsLinux }

// Probe says so too.
func (x *XDP) Probe(context.Context, time.Duration) (map[int]time.Duration, error) {
	return nil, errNeedsLinux
}

// Close has nothing to undo.
func (x *XDP) Close() error { return nil }
