//go:build !linux

package stacks

import (
	"errors"
	"time"
)

// Recorder exists only on Linux.
type Recorder struct{}

// Open fails.
func Open([]int, time.Duration) (*Recorder, error) { return nil, errors.ErrUnsupported }

// Start fails.
func (*Recorder) Start() error { return errors.ErrUnsupported }

// Stop fails.
func (*Recorder) Stop() error { return errors.ErrUnsupported }

// Profile fails.
func (*Recorder) Profile(map[int]string) (Profile, error) { return Profile{}, errors.ErrUnsupported }

// Close does nothing.
func (*Recorder) Close() error { return nil }
