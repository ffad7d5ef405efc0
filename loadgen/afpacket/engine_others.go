//go:build !linux

package afpacket

import (
	"context"
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/loadgen"
)

// Engine sends and receives through packet sockets. It needs Linux.
type Engine struct{}

var errPacketNeedsLinux = fmt.Errorf("the afpacket engine needs Linux: %w", errors.ErrUnsupported)

// New returns an error that wraps errors.ErrUnsupported.
func New(loadgen.EngineConfig) (*Engine, error) { return nil, errPacketNeedsLinux }

// Run returns an error that wraps errors.ErrUnsupported.
func (a *Engine) Run(context.Context, loadgen.Plan) (loadgen.Ledger, error) {
	return loadgen.Ledger{}, errPacketNeedsLinux
}

// Close does nothing.
func (a *Engine) Close() error { return nil }
