//go:build !linux

package dut

import (
	"errors"
	"io"
)

func openNaiveTUN(string, int) (io.ReadWriteCloser, error) { return nil, errors.ErrUnsupported }
