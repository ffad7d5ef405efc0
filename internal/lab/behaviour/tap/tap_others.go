//go:build !linux

// Package tap reads and sends the frames of an interface. It needs Linux.
package tap

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/bpf"

	"github.com/tunnelbench/tunnelbench/netns"
)

// Tap is never opened.
type Tap struct{}

// Frame is a frame that arrived.
type Frame struct {
	Data   []byte
	Length int
	At     int64
}

// Open returns an error that wraps errors.ErrUnsupported.
func Open(*netns.NS, string, int, int, []bpf.RawInstruction) (*Tap, error) {
	return nil, fmt.Errorf("reading frames needs Linux: %w", errors.ErrUnsupported)
}

// Each does nothing.
func (*Tap) Each(func(Frame)) {}

// Send does nothing.
func (*Tap) Send([]byte) error { return nil }

// Close does nothing.
func (*Tap) Close() error { return nil }

// Poll waits at no tap.
type Poll struct{}

// NewPoll returns a Poll.
func NewPoll(...*Tap) Poll { return Poll{} }

// Wait does nothing.
func (Poll) Wait(time.Duration) error { return nil }
