//go:build !linux

package role

import (
	"errors"
	"io"
)

func openNaiveTUN(string, int) (io.ReadWriteCloser, error) { return nil, errors.ErrUnsupported }
