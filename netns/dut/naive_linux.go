package dut

import (
	"io"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// openNaiveTUN opens a TUN device as any program would: its reads wait in the Go scheduler.
func openNaiveTUN(dev string, mtu int) (io.ReadWriteCloser, error) {
	t, err := sys.OpenTUN(dev, mtu, sys.TUNPlain)
	if err != nil {
		return nil, err
	}
	return t.File(), nil
}
