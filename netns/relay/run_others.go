//go:build !linux

package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Run returns an error that wraps errors.ErrUnsupported, because a relay needs Linux.
func Run(context.Context, Config, func(), io.Writer) error {
	return fmt.Errorf("a relay needs Linux: %w", errors.ErrUnsupported)
}
