package dut

import (
	"errors"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// naiveTUN is a TUN device whose Read waits.
type naiveTUN struct {
	*sys.TUN
	never *sys.Event
}

func openNaiveTUN(dev string, mtu int) (*naiveTUN, error) {
	never, err := sys.NewEvent()
	if err != nil {
		return nil, err
	}
	t, err := sys.OpenTUN(dev, mtu, sys.TUNPlain)
	if err != nil {
		return nil, errors.Join(err, never.Close())
	}
	return &naiveTUN{t, never}, nil
}

func (t *naiveTUN) Read(p []byte) (int, error) {
	for {
		n, err := t.TUN.Read(p)
		if !errors.Is(err, syscall.EAGAIN) {
			return n, err
		}
		if _, err := t.Wait(t.never); err != nil {
			return 0, err
		}
	}
}

func (t *naiveTUN) Write(p []byte) (int, error) { return len(p), t.TUN.Write(p) }
