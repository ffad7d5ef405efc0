//go:build !linux

package loadgen

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// AFPacket is the engine that sends and receives by packet sockets.
type AFPacket struct{}

var errPacketNeedsLinux = fmt.Errorf("the afpacket engine needs Linux: %w", errors.ErrUnsupported)

// NewAFPacket says that this system has no such engine.
func NewAFPacket(EngineConfig) (*AFPacket, error) { return nil, errPacketNeedsLinux }

// Run says so too.
func (a *AFPacket) Run(context.Context, Plan) (Ledger, error) { return Ledger{}, errPacketNeedsLinux }

// Probe says so too.
func (a *AFPacket) Probe(context.Context, time.Duration) (map[int]time.Duration, error) {
	return nil, errPacketNeedsLinux
}

// Close has nothing to undo.
func (a *AFPacket) Close() error { return nil }
