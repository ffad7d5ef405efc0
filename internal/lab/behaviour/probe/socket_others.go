//go:build !linux

package probe

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/bpf"

	"github.com/tunnelbench/tunnelbench/netns"
)

// socket is never opened: reading frames needs Linux.
type socket struct{}

type packet struct {
	Data   []byte
	Length int
	At     int64
}

func (*socket) Next() (p packet, ok bool) { return p, false }
func (*socket) Release()                  {}
func (*socket) Wait(time.Duration) error  { return nil }
func (*socket) Close() error              { return nil }

func listen(*netns.NS, string, []bpf.RawInstruction) (*socket, error) {
	return nil, fmt.Errorf("reading frames needs Linux: %w", errors.ErrUnsupported)
}
