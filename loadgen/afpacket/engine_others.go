//go:build !linux

package afpacket

import (
	"context"
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/loadgen"
)

// Engine is the engine that sends and receives by packet sockets.
type Engine struct{}

var errPacketNeedsLinux = fmt.Errorf("the afpacket engine needs Linux: %w", errors.ErrUnsupported)

// New says that this system has no such engine.
func New(loadgen.EngineConfig) (*Engine, error) { return nil, errPacketNeedsLinux }

// Run says so too.
func (a *Engine) Run(context.Context, loadgen.Plan) (loadgen.Ledger, error) {
	return loadgen.Ledger{}, errPacketNeedsLinux
}

// Close has nothing to undo.
func (a *Engine) Close() error { return nil }
