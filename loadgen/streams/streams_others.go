//go:build !linux

package streams

import (
	"context"
	"errors"
	"fmt"
)

var errStreamsNeedLinux = fmt.Errorf("the stream tester needs Linux: %w", errors.ErrUnsupported)

// Serve is the server's part of a measurement.
func Serve(context.Context, Plan, func()) (Result, error) {
	return Result{}, errStreamsNeedLinux
}

// Run is the client's part of a measurement.
func Run(context.Context, Plan, func(Window)) (Result, error) {
	return Result{}, errStreamsNeedLinux
}
