package role

import (
	"io"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// openNaiveTUN opens a TUN device like an ordinary Go program. Reads block in the Go scheduler.
func openNaiveTUN(dev string, mtu int) (io.ReadWriteCloser, error) {
	t, err := sys.OpenTUN(dev, mtu, sys.TUNPlain)
	if err != nil {
		return nil, err
	}
	return t.File(), nil
}
