//go:build !linux

package streams

import (
	"context"
	"errors"
	"fmt"
)

var errStreamsNeedLinux = fmt.Errorf("the stream tester needs Linux: %w", errors.ErrUnsupported)

// Serve returns an error that wraps errors.ErrUnsupported, because streams need Linux.
func Serve(context.Context, Plan, func()) (Result, error) {
	return Result{}, errStreamsNeedLinux
}

// Run returns an error that wraps errors.ErrUnsupported, because streams need Linux.
func Run(context.Context, Plan, func(Window)) (Result, error) {
	return Result{}, errStreamsNeedLinux
}
