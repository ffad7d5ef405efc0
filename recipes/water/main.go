//go:build ignore

// Command naive is the tunnel that one writes first: songgao/water opens the TUN, and two loops copy a packet per
// call between it and a UDP socket. There is no header, and nothing is encrypted.
//
//	naive DEV LOCAL PEER     such as: naive tb-left 192.0.2.1:4000 192.0.2.2:4000
package main

import (
	"errors"
	"io"
	"log"
	"net"
	"os"
	"syscall"

	"github.com/songgao/water"
)

// largest is the size of the largest packet, in bytes.
const largest = 65535

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: naive DEV LOCAL PEER")
	}
	config := water.Config{DeviceType: water.TUN}
	config.Name = os.Args[1]
	tun, err := water.New(config)
	if err != nil {
		log.Fatal(err)
	}
	conn, err := dial(os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	go pump(conn, tun)
	pump(tun, conn)
}

func dial(local, peer string) (net.Conn, error) {
	from, err := net.ResolveUDPAddr("udp", local)
	if err != nil {
		return nil, err
	}
	to, err := net.ResolveUDPAddr("udp", peer)
	if err != nil {
		return nil, err
	}
	return net.DialUDP("udp", from, to)
}

// pump copies packets until the interface is gone. A packet that cannot be written is lost; the peer may not be
// there yet, which a connected socket says at the next call (udp(7)).
func pump(to io.Writer, from io.Reader) {
	packet := make([]byte, largest)
	for {
		n, err := from.Read(packet)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		if _, err := to.Write(packet[:n]); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			log.Print(err)
		}
	}
}
