//go:build !linux

package trace

import (
	"errors"
	"io"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/trace/bpf"
	"github.com/tunnelbench/tunnelbench/netns"
)

// tracer exists only on Linux.
type tracer struct {
	points  []place
	missing []string
	sides   []string
	pids    [][]int
}

func newTracer(*netns.Net, chainer, options) (*tracer, error) { return nil, errors.ErrUnsupported }

func (*tracer) arm(int) error                              { return errors.ErrUnsupported }
func (*tracer) disarm() error                              { return nil }
func (*tracer) watch(string, []int) error                  { return errors.ErrUnsupported }
func (*tracer) events() ([]event, io.ReaderAt, int, error) { return nil, nil, 0, errors.ErrUnsupported }
func (*tracer) missed() (int, error)                       { return 0, errors.ErrUnsupported }
func (*tracer) sealedPlaces() (map[int]bool, error)        { return nil, errors.ErrUnsupported }
func (*tracer) side(int) (s bpf.TraceSide, err error)      { return s, errors.ErrUnsupported }
func (*tracer) whole(*netns.Net) error                     { return nil }
func (*tracer) skipped() uint64                            { return 0 }
func (*tracer) nameOf(uint32) string                       { return "" }
func (*tracer) Close() error                               { return nil }
func (*tracer) epoch() time.Duration                       { return 0 }
