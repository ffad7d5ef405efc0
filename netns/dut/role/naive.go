package role

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

func runNaive(ctx context.Context, e End, ready func() error) error {
	tun, err := openNaiveTUN(e.Dev, e.MTU)
	if err != nil {
		return err
	}
	defer tun.Close()
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(e.Local, referencePort)),
		net.UDPAddrFromAddrPort(netip.AddrPortFrom(e.Peer, referencePort)))
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer conn.Close()
	for _, set := range []func(int) error{conn.SetReadBuffer, conn.SetWriteBuffer} {
		if err := set(settings.DefaultSocketBuffer); err != nil {
			return fmt.Errorf("socket buffer: %w", err)
		}
	}
	if err := ready(); err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- naiveOut(tun, conn, e.MTU) }()
	go func() { failed <- naiveIn(tun, conn, e.MTU) }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// naiveOut sends packets from the TUN device to the peer, one by one. It drops packets that the
// socket refuses.
func naiveOut(tun io.Reader, conn net.Conn, mtu int) error {
	datagram := make([]byte, tunnelwire.HeaderLen+mtu)
	for sequence := uint64(1); ; sequence++ {
		n, err := tun.Read(datagram[tunnelwire.HeaderLen:])
		if err != nil {
			return fmt.Errorf("read from the TUN device: %w", err)
		}
		tunnelwire.PutHeader(datagram[:tunnelwire.HeaderLen+n], referenceID, sequence)
		_, _ = conn.Write(datagram[:tunnelwire.HeaderLen+n])
	}
}

// naiveIn writes packets from the peer to the TUN device, one by one. It makes the same checks
// as the reference tunnel.
func naiveIn(tun io.Writer, conn net.Conn, mtu int) error {
	var window tunnelwire.Window
	datagram := make([]byte, tunnelwire.HeaderLen+mtu+1)
	for {
		n, err := conn.Read(datagram)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			continue // an ICMP error for a datagram that was sent before the peer had started
		}
		h, payload, err := tunnelwire.ParseDatagram(datagram[:n])
		if err != nil || h.Tunnel != referenceID || len(payload) > mtu || !inner.IsIP(payload) || window.Accept(h.Sequence) != nil {
			continue
		}
		_, _ = tun.Write(payload)
	}
}

var _ = register(Naive, runNaive)
