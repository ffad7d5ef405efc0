package reference

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/bpf"
)

// portProgram is the XDP program of a LAN port. It passes packets to the port's socket, and leaves frames for
// other Ethernet addresses and packets for the host's own addresses to the kernel.
type portProgram struct {
	objects bpf.PortObjects
	own     mac
	addrs   map[netip.Addr]bool // the host's addresses in the program
}

func loadPortProgram(socket *sys.XSK) (*portProgram, error) {
	p := &portProgram{addrs: map[netip.Addr]bool{}}
	if err := bpf.LoadPortObjects(&p.objects, nil); err != nil {
		return nil, fmt.Errorf("%w: load the XDP program (needs Linux 5.9 with BPF, and root): %w", errors.ErrUnsupported, err)
	}
	if err := p.objects.Sockets.Put(uint32(0), uint32(socket.FD())); err != nil {
		return nil, errors.Join(fmt.Errorf("add the socket to the XDP program: %w", err), p.close())
	}
	return p, nil
}

// setOwn sets the Ethernet address of the interface and the addresses of the host. New addresses are added
// before old ones are removed.
func (p *portProgram) setOwn(own mac, addrs []netlink.Addr) error {
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
				return fmt.Errorf("add %s to the XDP program: %w", addr, err)
			}
			p.addrs[addr] = true
		}
	}
	for addr := range p.addrs {
		if !now[addr] {
			if err := p.addresses(addr).Delete(addr.AsSlice()); err != nil {
				return fmt.Errorf("remove %s from the XDP program: %w", addr, err)
			}
			delete(p.addrs, addr)
		}
	}
	return nil
}

// addresses returns the program's addresses of the IP version of addr.
func (p *portProgram) addresses(addr netip.Addr) *ebpf.Map {
	if addr.Is4() {
		return p.objects.Own4
	}
	return p.objects.Own6
}

func (p *portProgram) close() error { return p.objects.Close() }
