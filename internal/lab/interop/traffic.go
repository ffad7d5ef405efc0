package interop

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/netns"
)

// kind is a kind of inner packets: UDP, and bare IP for those that are too small for UDP.
type kind struct {
	network string // of net.ListenPacket
	header  int    // bytes before the payload
	version int    // of IP
}

// experiment is the IP protocol of bare packets (RFC 3692).
const experiment = "253"

var kinds = []kind{{"udp4", 28, 4}, {"udp6", 48, 6}, {"ip4:" + experiment, 20, 4}, {"ip6:" + experiment, 40, 6}}

// udp4 is the kind of packets that most checks send.
var udp4 = kinds[0]

// trafficPort is the UDP port of both hosts.
const trafficPort = 7007

// host is one of the two hosts of the tester, with a socket for each kind of packets.
type host struct {
	name    string
	addrs   map[int]netip.Addr // by version of IP
	sockets map[string]net.PacketConn
	closers closers.Stack

	mu  sync.Mutex
	got map[string]int // how often each packet arrived, by network and payload
}

// newHost opens the sockets of a host in its namespace.
func newHost(ns *netns.NS, name string, addr4, addr6 netip.Addr) (*host, error) {
	h := &host{name: name, addrs: map[int]netip.Addr{4: addr4, 6: addr6}, sockets: map[string]net.PacketConn{}, got: map[string]int{}}
	err := ns.Do(func() error {
		for _, k := range kinds {
			if err := h.open(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), h.close())
	}
	return h, nil
}

func (h *host) open(k kind) error {
	at := h.addrs[k.version].String()
	if k.network[:2] != "ip" {
		at = netip.AddrPortFrom(h.addrs[k.version], trafficPort).String()
	}
	conn, err := net.ListenPacket(k.network, at)
	if err != nil {
		return err
	}
	h.sockets[k.network] = conn
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.receive(k, conn)
	}()
	h.closers.Push(func() error {
		err := conn.Close()
		<-ended
		return err
	})
	return nil
}

// receive counts packets until the socket is closed.
func (h *host) receive(k kind, conn net.PacketConn) {
	buffer := make([]byte, 1<<16)
	for {
		n, _, err := conn.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error for a packet that found no way
		}
		h.mu.Lock()
		h.got[k.network+string(buffer[:n])]++
		h.mu.Unlock()
	}
}

func (h *host) close() error { return h.closers.Close() }

// send sends a packet to another host.
func (h *host) send(to *host, k kind, payload []byte) error {
	var at net.Addr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.addrs[k.version], trafficPort))
	if k.network[:2] == "ip" {
		at = &net.IPAddr{IP: to.addrs[k.version].AsSlice()}
	}
	_, err := h.sockets[k.network].WriteTo(payload, at)
	return err
}

// received reports how often a packet arrived.
func (h *host) received(k kind, payload []byte) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got[k.network+string(payload)]
}

// payload returns the nth payload of a length. Different numbers give different payloads if the
// length is at least 8.
func payload(n uint64, length int) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, max(length, 8)), n)
	for len(b) < length {
		b = append(b, byte(n)+byte(len(b)))
	}
	return b[:length]
}

// Lengths and times of packets that only ask whether there is a way.
const (
	probeLength = 64
	probeEvery  = 100 * time.Millisecond
)

// reach sends packets from one host to the other until one of them arrives.
func reach(ctx context.Context, from, to *host, limit time.Duration) error {
	start := time.Now()
	tick := time.NewTicker(probeEvery / 10)
	defer tick.Stop()
	var sent [][]byte
	for time.Since(start) < limit {
		if time.Since(start) >= time.Duration(len(sent))*probeEvery {
			p := payload(number.Add(1), probeLength)
			if err := from.send(to, udp4, p); err != nil {
				return testerError{fmt.Errorf("send from %s: %w", from.name, err)}
			}
			sent = append(sent, p)
		}
		for _, p := range sent {
			if to.received(udp4, p) > 0 {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("none of %d packets from %s to %s arrived within %v", len(sent), from.name, to.name, limit)
}
