//go:build !linux

package loadgen

import (
	"context"
	"errors"
	"fmt"
)

var errStreamsNeedLinux = fmt.Errorf("the stream tester needs Linux: %w", errors.ErrUnsupported)

// ServeStreams is the server's part of a measurement.
func ServeStreams(context.Context, StreamPlan, func()) (StreamResult, error) {
	return StreamResult{}, errStreamsNeedLinux
}

// RunStreams is the client's part of a measurement.
func RunStreams(context.Context, StreamPlan, func(StreamWindow)) (StreamResult, error) {
	return StreamResult{}, errStreamsNeedLinux
}
