//go:build !linux

package xdp

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// Probe says so too.
func (x *Engine) Probe(context.Context, time.Duration) (map[int]time.Duration, error) {
	return nil, errNeedsLinux
}

// Close has nothing to undo.
func (x *Engine) Close() error { return nil }
