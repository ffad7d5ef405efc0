//go:build !linux

package behaviour

import (
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
)

// tap does not exist here.
type tap struct{}

func openTap(*netns.NS, string, int) (*tap, error) { return nil, errors.ErrUnsupported }

func (*tap) send([]byte) error { return errors.ErrUnsupported }

func (*tap) each(func([]byte)) {}

// Close does nothing.
func (*tap) Close() error { return nil }

func wait(time.Duration, *tap, *tap) error { return errors.ErrUnsupported }
