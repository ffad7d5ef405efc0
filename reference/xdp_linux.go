package reference

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/lanport"
	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// Slots of the AF_XDP socket: 20 MiB in total with slots of 2048 bytes.
const (
	xdpReceiveSlots  = 8192
	xdpTransmitSlots = 2048
)

// ethernetLen is the length of an Ethernet header without tags.
const ethernetLen = 14

// xdpPort is a LAN port on an existing interface. An XDP program takes the tunnel's frames before the
// kernel sees them, and the port sends frames without the kernel's routing. All other frames stay with
// the kernel, which answers ARP and neighbour discovery for the host's addresses.
type xdpPort struct {
	dev     string
	socket  *sys.XSK
	stop    *sys.Event // ends read, also that of intake; opened first and closed last
	lan     *lanport.Watch
	intake  *tunPort // where the packets come in, if not by the socket
	waits   sys.Processor
	yields  bool          // yield the core and read once more before sleeping
	closers closers.Stack // in the order of opening
}

func openXDP(cfg settings.Config) (*xdpPort, error) {
	ifi, err := net.InterfaceByName(cfg.Dev)
	if err != nil {
		return nil, settings.WrongField("dev", "%s: no such interface: an settings.XDP port needs an existing one", cfg.Dev)
	}
	if len(ifi.HardwareAddr) != len(lanport.MAC{}) {
		return nil, settings.WrongField("dev", "%s is not Ethernet: use port: tun", cfg.Dev)
	}
	if cfg.MTU > ifi.MTU {
		return nil, settings.WrongField("mtu", "%d: %s carries %d", cfg.MTU, cfg.Dev, ifi.MTU)
	}
	if err := lanport.Fits(ifi.Index); err != nil {
		return nil, settings.WrongField("dev", "%s: %w", cfg.Dev, err)
	}
	p := &xdpPort{dev: cfg.Dev, waits: waits(cfg), yields: cfg.Yield}
	if err := p.open(cfg, ifi); err != nil {
		return nil, errors.Join(settings.WrongField("dev", "%s: %w", cfg.Dev, err), p.close())
	}
	return p, nil
}

// receiveQueues returns the number of receive queues of an interface, or 0 if it is unknown.
func receiveQueues(dev string) int {
	queues, err := filepath.Glob(filepath.Join("/sys/class/net", dev, "queues", "rx-*"))
	if err != nil {
		return 0
	}
	return len(queues)
}

// oneQueue returns an error if an interface has several receive queues. The program takes packets from the first
// one only. An intake takes them from all.
func oneQueue(queues int, stacked bool, dev string) error {
	switch {
	case queues <= 1:
		return nil
	case stacked:
		return fmt.Errorf("%d receive queues, want 1 before Linux 6.6: use port: tun, or an interface below it", queues)
	}
	return fmt.Errorf("%d receive queues, want 1: run ethtool -L %s combined 1", queues, dev)
}

func (p *xdpPort) open(cfg settings.Config, ifi *net.Interface) (err error) {
	if p.stop, err = sys.NewEvent(); err != nil {
		return err
	}
	p.closers.Push(p.stop.Close)
	slot := 2048
	if sys.XSKHeadroom+ethernetLen+cfg.MTU > slot {
		slot = 4096
	}
	p.socket, err = sys.OpenXSK(ifi.Index, 0, sys.XSKConfig{Receive: xdpReceiveSlots, Transmit: xdpTransmitSlots, SlotOctets: slot})
	if err != nil {
		return err
	}
	p.closers.Push(p.socket.Close)
	program, err := lanport.Load(p.socket.FD())
	if err != nil {
		return err
	}
	p.closers.Push(program.Close)
	if p.lan, err = lanport.Follow(ifi.Index, program, p.lost); err != nil {
		return err
	}
	p.closers.Push(p.lan.Close)
	return p.attach(cfg, ifi.Index, program)
}

// attach attaches the program. It is the last step of opening, because the kernel no longer receives the port's
// packets afterwards.
func (p *xdpPort) attach(cfg settings.Config, ifindex int, program *lanport.Program) error {
	stacked := lanport.Stacked(ifindex)
	if stacked {
		if err := p.openIntake(cfg, ifindex, program); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	if err := oneQueue(receiveQueues(p.dev), stacked, p.dev); err != nil {
		return err
	}
	attached, err := program.Attach(ifindex)
	if err != nil {
		return err
	}
	p.closers.Push(attached.Close)
	return nil
}

// lost ends read, because the interface was removed.
func (p *xdpPort) lost() { _ = p.stop.Raise() }

// ended returns why the stop event was raised.
func (p *xdpPort) ended() error {
	if p.lan.Removed() {
		return removed(p.dev, syscall.ENODEV)
	}
	return io.EOF
}

// read sleeps only if the ring is still empty after yielding the core once, because a wake-up costs both cores
// more time than a packet. It copies frames into b, so that their slots return to the kernel immediately.
func (p *xdpPort) read(b *batch) error {
	if p.intake != nil {
		return p.readIntake(b)
	}
	if p.stop.Raised() { // under full load Wait is never called
		return p.ended()
	}
	if p.yields && p.socket.Waiting() == 0 {
		sys.Yield()
	}
	for p.socket.Waiting() == 0 {
		raised, err := p.socket.Wait(p.stop, p.waits)
		if raised {
			return p.ended()
		}
		if err != nil {
			return fmt.Errorf("port xdp on %s: %w", p.dev, err)
		}
	}
	for n := p.socket.Waiting(); n > 0 && !b.full(); n-- {
		frame := p.socket.Next()
		if len(frame) >= ethernetLen {
			n := copy(b.next(), inner.Unpadded(frame[ethernetLen:]))
			offload.Finish(b.next()[:n])
			b.commit(n)
		}
		p.socket.Release()
	}
	p.socket.Refill()
	return nil
}

// write puts an Ethernet header before each packet and wakes the kernel once for all packets.
func (p *xdpPort) write(packets [][]byte, tally *stats.Direction) {
	view := p.lan.View()
	for _, packet := range packets {
		to := view.Hop(inner.Destination(packet))
		if to == (lanport.MAC{}) {
			p.lan.Want(inner.Destination(packet))
			tally.Drops[stats.DropNextHop]++
			continue
		}
		if len(packet) > view.MTU {
			tally.Drops[stats.DropPort]++
			continue
		}
		room := p.socket.Room()
		if room == nil {
			if p.socket.Kick() == nil {
				room = p.socket.Room()
			}
			if room == nil {
				tally.Drops[stats.DropPort]++
				continue
			}
		}
		putEthernet(room, to, view.Own, packet)
		p.socket.Commit(ethernetLen + copy(room[ethernetLen:], packet))
		tally.Delivered++
	}
	_ = p.socket.Kick() // its only error, interface down, is also returned to read
}

// putEthernet writes the Ethernet header for an IP packet.
func putEthernet(frame []byte, to, from lanport.MAC, packet []byte) {
	copy(frame, to[:])
	copy(frame[6:], from[:])
	binary.BigEndian.PutUint16(frame[12:], inner.EtherType(packet))
}

func (p *xdpPort) joined() bool { return p.intake != nil }

func (p *xdpPort) interrupt() error { return p.stop.Raise() }

func (p *xdpPort) close() error { return p.closers.Close() }
