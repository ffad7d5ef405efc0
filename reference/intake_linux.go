package reference

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/reference/lanport"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// openIntake makes a TUN device for the packets of a bridge, a bond or a VLAN. The device says in the
// virtio_net_hdr how to split joined packets and where a checksum is missing. It has no addresses.
//
//	dev --tc program--> intake --> tunnel --> AF_XDP socket --> dev
func (p *xdpPort) openIntake(cfg settings.Config, ifindex int, program *lanport.Program) error {
	cfg.Dev, cfg.Offloads = "tbin%d", true // the kernel puts a number there
	intake, err := newTUN(cfg, p.stop)
	if err != nil {
		return fmt.Errorf("intake: %w", err)
	}
	attached, err := quiet(intake, ifindex, program)
	if err != nil {
		return errors.Join(err, intake.tun.Close())
	}
	p.closers.Push(intake.tun.Close)
	p.closers.Push(attached.Close)
	p.intake = intake
	return nil
}

// quiet gives the intake a queue as long as the socket's, keeps the kernel from sending packets of its own into the intake, removes those it has sent, and attaches
// the program.
func quiet(intake *tunPort, ifindex int, program *lanport.Program) (io.Closer, error) {
	name := intake.tun.Name()
	device, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	if err := netlink.LinkSetTxQLen(device, xdpReceiveSlots); err != nil {
		return nil, fmt.Errorf("length of its queue: %w", err)
	}
	const ipv6 = "/proc/sys/net/ipv6/conf/%s/disable_ipv6"
	if err := os.WriteFile(fmt.Sprintf(ipv6, name), []byte("1"), 0); err != nil && !tolerable(err) {
		return nil, err
	}
	into := make([]byte, 1<<16)
	for err = nil; err == nil; {
		_, err = intake.tun.Read(into)
	}
	if err != syscall.EAGAIN {
		return nil, err
	}
	return program.AttachIntake(ifindex, device.Attrs().Index)
}

// tolerable reports whether err means that the kernel has no IPv6 or that its settings cannot be changed, as in many
// containers. The kernel then sends a few packets into the intake, which the tunnel drops.
func tolerable(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// readIntake reads from the intake.
func (p *xdpPort) readIntake(b *batch) error {
	err := p.intake.read(b)
	if err == io.EOF {
		return p.ended()
	}
	return err
}
