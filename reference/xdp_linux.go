package reference

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/bpf"
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/offload"
)

// Slots of the AF_XDP socket: 20 MiB in total with slots of 2048 bytes.
const (
	xdpReceiveSlots  = 8192
	xdpTransmitSlots = 2048
)

// xdpPort is a LAN port on an existing interface. An XDP program takes the tunnel's frames before the
// kernel sees them, and the port sends frames without the kernel's routing. All other frames stay with
// the kernel, which answers ARP and neighbour discovery for the interface's addresses.
type xdpPort struct {
	dev     string
	own     mac
	socket  *sys.XSK
	stop    *sys.Event
	hops    *nextHops
	waits   sys.Processor
	yields  bool          // yield the core and read once more before sleeping
	virtual bool          // the interface is a veth, so received packets may have incomplete checksums
	closers closers.Stack // in the order of opening
}

func openXDP(cfg Config) (*xdpPort, error) {
	ifi, err := net.InterfaceByName(cfg.Dev)
	if err != nil {
		return nil, WrongField("dev", "%s: no such interface: an XDP port needs an existing one", cfg.Dev)
	}
	if len(ifi.HardwareAddr) != len(mac{}) {
		return nil, WrongField("dev", "%s is not Ethernet: use port: tun", cfg.Dev)
	}
	if cfg.MTU > ifi.MTU {
		return nil, WrongField("mtu", "%d: %s carries %d", cfg.MTU, cfg.Dev, ifi.MTU)
	}
	if n := receiveQueues(cfg.Dev); n > 1 {
		return nil, WrongField("dev", "%s has %d receive queues, want 1: run ethtool -L %s combined 1", cfg.Dev, n, cfg.Dev)
	}
	p := &xdpPort{dev: cfg.Dev, own: mac(ifi.HardwareAddr), waits: waits(cfg), yields: cfg.Yield, virtual: isVeth(ifi.Index)}
	if err := p.open(cfg, ifi); err != nil {
		return nil, errors.Join(WrongField("dev", "%s: %w", cfg.Dev, err), p.close())
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

// isVeth reports whether an interface is one end of a veth pair.
func isVeth(ifindex int) bool {
	l, err := netlink.LinkByIndex(ifindex)
	return err == nil && l.Type() == "veth"
}

func (p *xdpPort) open(cfg Config, ifi *net.Interface) (err error) {
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
	if p.hops, err = followNextHops(ifi.Index); err != nil {
		return err
	}
	p.closers.Push(p.hops.close)
	return p.attach(ifi)
}

// attach loads and attaches the XDP program that takes the tunnel's frames. It is the last step of opening,
// because the kernel no longer receives these frames afterwards.
func (p *xdpPort) attach(ifi *net.Interface) error {
	spec, err := bpf.LoadPort()
	if err != nil {
		return fmt.Errorf("read the XDP program: %w", err)
	}
	if err := setOwn(spec, p.own, ifi); err != nil {
		return err
	}
	var objects bpf.PortObjects
	if err := spec.LoadAndAssign(&objects, nil); err != nil {
		return fmt.Errorf("%w: load the XDP program (needs Linux 5.9 with BPF, and root): %w", errors.ErrUnsupported, err)
	}
	p.closers.Push(objects.Close)
	if err := objects.Sockets.Put(uint32(0), uint32(p.socket.FD())); err != nil {
		return fmt.Errorf("add the socket to the XDP program: %w", err)
	}
	attached, err := link.AttachXDP(link.XDPOptions{Program: objects.LanPort, Interface: ifi.Index})
	if err != nil {
		return fmt.Errorf("attach the XDP program (another one may be attached): %w", err)
	}
	p.closers.Push(attached.Close)
	return nil
}

// ownAddresses is the maximum number of addresses of each IP version in the XDP program.
const ownAddresses = 16

// setOwn sets the addresses of the interface in the XDP program. The program leaves frames for other MAC
// addresses and packets for the interface's own IP addresses to the kernel.
func setOwn(spec *ebpf.CollectionSpec, own mac, ifi *net.Interface) error {
	addrs, err := ifi.Addrs()
	if err != nil {
		return fmt.Errorf("addresses: %w", err)
	}
	var own4 [ownAddresses][4]byte
	var own6 [ownAddresses][16]byte
	n4, n6 := 0, 0
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			return fmt.Errorf("address %s: %w", a, err)
		}
		switch addr := prefix.Addr(); {
		case addr.Is4() && n4 < ownAddresses:
			own4[n4] = addr.As4()
			n4++
		case addr.Is6() && n6 < ownAddresses:
			own6[n6] = addr.As16()
			n6++
		default:
			return fmt.Errorf("the interface has more than %d addresses of one IP version: remove some", ownAddresses)
		}
	}
	return errors.Join(
		spec.Variables["mac"].Set(own), spec.Variables["own4"].Set(own4), spec.Variables["own6"].Set(own6),
	)
}

// read sleeps only if the ring is still empty after yielding the core once, because a wake-up costs both cores
// more time than a packet. It copies frames into b, so that their slots return to the kernel immediately.
func (p *xdpPort) read(b *batch) error {
	if p.yields && p.socket.Waiting() == 0 {
		sys.Yield()
	}
	for p.socket.Waiting() == 0 {
		raised, err := p.socket.Wait(p.stop, p.waits)
		if raised {
			return io.EOF
		}
		if err != nil {
			return fmt.Errorf("port xdp on %s: %w", p.dev, err)
		}
	}
	for n := p.socket.Waiting(); n > 0 && !b.full(); n-- {
		frame := p.socket.Next()
		if len(frame) >= ethernetLen {
			n := copy(b.next(), inner.Unpadded(frame[ethernetLen:]))
			if p.virtual {
				offload.FinishPartial(b.next()[:n])
			}
			b.commit(n)
		}
		p.socket.Release()
	}
	p.socket.Refill()
	return nil
}

// write puts an Ethernet header before each packet and wakes the kernel once for all packets.
func (p *xdpPort) write(packets [][]byte, tally *Direction) {
	hops := p.hops.table()
	for _, packet := range packets {
		to, _ := hops.Lookup(inner.Destination(packet))
		if to == (mac{}) {
			p.hops.want(inner.Destination(packet))
			tally.Drops[DropNextHop]++
			continue
		}
		room := p.socket.Room()
		if room == nil {
			if p.socket.Kick() == nil {
				room = p.socket.Room()
			}
			if room == nil {
				tally.Drops[DropPort]++
				continue
			}
		}
		putEthernet(room, to, p.own, packet)
		p.socket.Commit(ethernetLen + copy(room[ethernetLen:], packet))
		tally.Delivered++
	}
	_ = p.socket.Kick() // its only error, interface down, is also returned to read
}

func (p *xdpPort) interrupt() error { return p.stop.Raise() }

func (p *xdpPort) close() error { return p.closers.Close() }
