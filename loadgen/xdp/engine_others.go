//go:build !linux

package xdp

import (
	"context"
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/loadgen"
)

// Engine is the engine that sends and receives inside the kernel.
type Engine struct{}

var errNeedsLinux = fmt.Errorf("the xdp engine needs Linux: %w", errors.ErrUnsupported)

// New says that this system has no such engine.
func New(loadgen.EngineConfig) (*Engine, error) { return nil, errNeedsLinux }

// Run says so too.
func (x *Engine) Run(context.Context, loadgen.Plan) (loadgen.Ledger, error) {
	return loadgen.Ledger{}, errNeedsLinux
}

// RunTurns says so too.
func (x *Engine) RunTurns(context.Context, []loadgen.Plan, loadgen.Turns) ([]loadgen.Ledger, error) {
	return nil, errNeedsLinux
}

// Close has nothing to undo.
func (x *Engine) Close() error { return nil }
