package lanport

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/reference/bpf"
)

// Program is the XDP program of a LAN port. It passes packets to the port's socket, and leaves frames for
// other Ethernet addresses and packets for the host's own addresses to the kernel.
type Program struct {
	objects bpf.PortObjects
	own     MAC
	addrs   map[netip.Addr]bool // the host's addresses in the program
}

// Load loads the program for packets to the AF_XDP socket with a descriptor. Attach starts it.
func Load(socket int) (*Program, error) {
	p := &Program{addrs: map[netip.Addr]bool{}}
	if err := bpf.LoadPortObjects(&p.objects, nil); err != nil {
		return nil, fmt.Errorf("%w: load the XDP program (needs Linux 5.9 with BPF, and root): %w", errors.ErrUnsupported, err)
	}
	if err := p.objects.Sockets.Put(uint32(0), uint32(socket)); err != nil {
		return nil, errors.Join(fmt.Errorf("add the socket to the XDP program: %w", err), p.Close())
	}
	return p, nil
}

// setOwn sets the Ethernet address of the interface and the addresses of the host. New addresses are added
// before old ones are removed. If addrs are not all of them, none is removed.
func (p *Program) setOwn(own MAC, addrs []netlink.Addr, all bool) error {
	if own != p.own {
		if err := p.objects.Mac.Set(own); err != nil {
			return fmt.Errorf("set the Ethernet address of the XDP program: %w", err)
		}
		p.own = own
	}
	now := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		if addr, ok := netip.AddrFromSlice(a.IP); ok {
			now[addr.Unmap()] = true
		}
	}
	for addr := range now {
		if !p.addrs[addr] {
			if err := p.addresses(addr).Put(addr.AsSlice(), uint8(1)); err != nil {
				return fmt.Errorf("add %s to the XDP program, which has room for %d: %w", addr, p.addresses(addr).MaxEntries(), err)
			}
			p.addrs[addr] = true
		}
	}
	for addr := range p.addrs {
		if all && !now[addr] {
			if err := p.addresses(addr).Delete(addr.AsSlice()); err != nil {
				return fmt.Errorf("remove %s from the XDP program: %w", addr, err)
			}
			delete(p.addrs, addr)
		}
	}
	return nil
}

// addresses returns the program's addresses of the IP version of addr.
func (p *Program) addresses(addr netip.Addr) *ebpf.Map {
	if addr.Is4() {
		return p.objects.Own4
	}
	return p.objects.Own6
}

// Attach attaches the program to an interface. From then on the kernel no longer receives the port's packets.
func (p *Program) Attach(ifindex int) (link.Link, error) {
	attached, err := link.AttachXDP(link.XDPOptions{Program: p.objects.LanPort, Interface: ifindex})
	if err != nil {
		return nil, fmt.Errorf("attach the XDP program (another one may be attached): %w", err)
	}
	return attached, nil
}

// Stacked reports whether an interface is a bridge, a bond, a VLAN, a macvlan or another on top of others. Packets come in
// joined there (GRO, TSO), with checksums that are not finished, which an XDP program cannot tell.
func Stacked(ifindex int) bool {
	l, err := netlink.LinkByIndex(ifindex)
	return err == nil && l.Type() != "device" && l.Type() != "veth"
}

// AttachIntake makes the kernel pass the port's packets on interface ifindex to the TUN device intake, instead of
// the socket. The error wraps errors.ErrUnsupported before Linux 6.6.
func (p *Program) AttachIntake(ifindex, intake int) (link.Link, error) {
	if err := p.objects.Intake.Set(uint32(intake)); err != nil {
		return nil, fmt.Errorf("set the intake of the port's program: %w", err)
	}
	attached, err := link.AttachTCX(link.TCXOptions{Interface: ifindex, Program: p.objects.LanIntake, Attach: ebpf.AttachTCXIngress})
	if errors.Is(err, ebpf.ErrNotSupported) {
		err = fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	if err != nil {
		return nil, fmt.Errorf("attach the port's program: %w", err)
	}
	return attached, nil
}

// Close unloads the program.
func (p *Program) Close() error { return p.objects.Close() }
