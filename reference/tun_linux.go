package reference

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// tunPort is the LAN port on a TUN device: a read and a write per packet.
type tunPort struct {
	tun     *sys.TUN
	stop    *sys.Event
	drained bool // the last read found the queue empty
}

func openTUN(cfg Config) (*tunPort, error) {
	stop, err := sys.NewEvent()
	if err != nil {
		return nil, err
	}
	tun, err := sys.OpenTUN(cfg.Dev, cfg.MTU)
	if err != nil {
		return nil, errors.Join(err, stop.Close())
	}
	return &tunPort{tun: tun, stop: stop, drained: true}, nil
}

// read sleeps only if the queue was empty last time; under load the next
// packets are there already, and asking for them is asking enough.
func (p *tunPort) read(b *batch) error {
	for {
		if p.drained {
			raised, err := p.tun.Wait(p.stop)
			if raised {
				return io.EOF
			}
			if err != nil {
				return fmt.Errorf("poll %s: %w", p.tun.Name(), err)
			}
		}
		if err := p.drain(b); err != nil {
			return fmt.Errorf("read %s: %w", p.tun.Name(), err)
		}
		if b.len() > 0 {
			return nil
		}
	}
}

func (p *tunPort) drain(b *batch) error {
	p.drained = false
	for !b.full() {
		n, err := p.tun.Read(b.next())
		if err == syscall.EAGAIN {
			p.drained = true
			return nil
		}
		if err != nil {
			return err
		}
		b.commit(n)
	}
	return nil
}

func (p *tunPort) write(packets [][]byte) (taken int) {
	for _, packet := range packets {
		if p.tun.Write(packet) == nil {
			taken++
		}
	}
	return taken
}

func (p *tunPort) interrupt() error { return p.stop.Raise() }

func (p *tunPort) close() error { return errors.Join(p.tun.Close(), p.stop.Close()) }
