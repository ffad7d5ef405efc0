// Package stream has what the lab and a device that carries streams have agreed on: where the device accepts the
// client's connections, and where it has to connect to for each.
//
//	client ─► Listen, on the left ═══ the device ═══ on the right ─► Target, the server
package stream

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"github.com/tunnelbench/tunnelbench/netns"
)

// port is the TCP port of both.
const port = 5001

// Listen returns where a device that carries streams accepts the client's connections: on the left.
func Listen(ipv6 bool) netip.AddrPort {
	if ipv6 {
		return netip.AddrPortFrom(netns.LeftLAN6.Addr(), port)
	}
	return netip.AddrPortFrom(netns.LeftLAN.Addr(), port)
}

// Target returns where the server of streams is: behind the right.
func Target(ipv6 bool) netip.AddrPort {
	if ipv6 {
		return netip.AddrPortFrom(netns.Port1Addr6, port)
	}
	return netip.AddrPortFrom(netns.Port1Addr, port)
}

// Accepts reports whether a program of the namespace listens on the port of Listen, at whatever address. It does
// not connect: a connection would be served.
func Accepts(ns *netns.NS) (accepts bool, err error) {
	err = ns.Do(func() error {
		for _, file := range []string{"tcp", "tcp6"} {
			// /proc/net is that of the process's first thread.
			table, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
				return err
			}
			accepts = accepts || inTable(table, port)
		}
		return nil
	})
	return accepts, err
}

// listening is the state of a listening socket (TCP_LISTEN, include/net/tcp_states.h).
const listening = "0A"

// inTable looks for a listening socket in the kernel's table (proc_net_tcp.txt): after the head, in hexadecimal,
//
//	number: local address:port  remote address:port  state  ...
func inTable(table []byte, port uint16) bool {
	suffix := fmt.Appendf(nil, ":%04X", port)
	for line := range bytes.Lines(table) {
		fields := bytes.Fields(line)
		const local, state = 1, 3
		if len(fields) > state && bytes.HasSuffix(fields[local], suffix) && string(fields[state]) == listening {
			return true
		}
	}
	return false
}
