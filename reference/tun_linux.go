package reference

import (
	"errors"
	"io"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// tunPort is a LAN port on a TUN device.
type tunPort struct {
	tun     *sys.TUN
	stop    *sys.Event
	waits   sys.Processor
	drained bool // the last read found the queue empty
	lan     lan
}

// lan reads packets from and writes packets to a TUN device.
type lan interface {
	// read adds at least one packet to b, which must not be full, or returns EAGAIN if no packet is waiting.
	read(b *batch) error
	write(packets [][]byte, tally *stats.Direction)
}

func openTUN(cfg settings.Config) (*tunPort, error) {
	stop, err := sys.NewEvent()
	if err != nil {
		return nil, err
	}
	p, err := newTUN(cfg, stop)
	if err != nil {
		return nil, errors.Join(err, stop.Close())
	}
	return p, nil
}

// newTUN opens the device of a port whose read ends when stop is raised.
func newTUN(cfg settings.Config, stop *sys.Event) (*tunPort, error) {
	tun, offloads, err := openOffloading(cfg)
	if err != nil {
		return nil, &settings.FieldError{Field: "dev", Err: err}
	}
	p := &tunPort{tun: tun, stop: stop, waits: waits(cfg), drained: true, lan: plainTUN{tun}}
	if offloads != sys.TUNPlain {
		p.lan = newOffloadTUN(tun, cfg.MTU)
	}
	return p, nil
}

// openOffloading opens the device with the offloads that cfg wants and the kernel supports. USO needs Linux
// 6.2. The other offloads work on older kernels.
func openOffloading(cfg settings.Config) (*sys.TUN, sys.TUNOffloads, error) {
	if cfg.Offloads {
		for _, offloads := range []sys.TUNOffloads{sys.TUNAll, sys.TUNTCP} {
			tun, err := sys.OpenTUN(cfg.Dev, cfg.MTU, offloads)
			if !errors.Is(err, syscall.EINVAL) {
				return tun, offloads, err
			}
		}
	}
	tun, err := sys.OpenTUN(cfg.Dev, cfg.MTU, sys.TUNPlain)
	return tun, sys.TUNPlain, err
}

// read sleeps only if the last read found the queue empty. Under load the next packets are already waiting,
// so reading without polling first is cheaper.
//
// The XDP port yields and reads once more before it sleeps. This does not help a TUN device, because a soft
// interrupt on the same core delivers the packets.
func (p *tunPort) read(b *batch) error {
	for {
		if p.stop.Raised() { // under full load Wait is never called
			return io.EOF
		}
		if p.drained {
			raised, err := p.tun.Wait(p.stop, p.waits)
			if raised {
				return io.EOF
			}
			if err != nil {
				return removed(p.tun.Name(), err)
			}
		}
		if err := p.drain(b); err != nil {
			return removed(p.tun.Name(), err)
		}
		if b.len() > 0 || b.tally.Received > 0 {
			return nil
		}
	}
}

// removed returns the error for an interface that was removed while the tunnel ran. A TUN device fails for no
// other reason: while it is down, it has no packets.
func removed(dev string, err error) error {
	return settings.WrongField("dev", "%s was removed while the tunnel ran (%w): start the tunnel again", dev, err)
}

// drain reads until b is full, or has dropped as many packets as a batch can hold, or the queue is empty.
func (p *tunPort) drain(b *batch) error {
	p.drained = false
	for !b.full() && b.tally.Received < superBatch {
		err := p.lan.read(b)
		if err == syscall.EAGAIN {
			p.drained = true
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *tunPort) write(packets [][]byte, tally *stats.Direction) { p.lan.write(packets, tally) }

func (p *tunPort) joined() bool {
	_, is := p.lan.(*offloadTUN)
	return is
}

func (p *tunPort) interrupt() error { return p.stop.Raise() }

func (p *tunPort) close() error { return errors.Join(p.tun.Close(), p.stop.Close()) }

// plainTUN reads and writes one packet with each system call.
type plainTUN struct{ tun *sys.TUN }

func (l plainTUN) read(b *batch) error {
	n, err := l.tun.Read(b.next())
	if err == nil {
		b.commit(n)
	}
	return err
}

func (l plainTUN) write(packets [][]byte, tally *stats.Direction) {
	for _, packet := range packets {
		if l.tun.Write(packet) == nil {
			tally.Delivered++
		} else {
			tally.Drops[stats.DropPort]++
		}
	}
}
