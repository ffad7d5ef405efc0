//go:build ignore

// Command lang-go is a small tunnel: IP packets from a TUN device in UDP datagrams of the reference tunnel's
// plain format. The environment of docs/exec.md says between which addresses.
//
//	lang-go            one packet for each system call
//	lang-go --batched  as many as wait, in one sendmmsg and one recvmmsg (batched.go)
//	lang-go --vectors  answers the questions on stdin (vectors.go)
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	port         = 4754
	socketBuffer = 4 << 20 // bytes, each way
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("lang-go: ")
	batched := flag.Bool("batched", false, "send and receive as many datagrams as wait with one system call")
	questions := flag.Bool("vectors", false, "answer the questions on stdin")
	flag.Parse()
	var err error
	if *questions {
		err = answerVectors(os.Stdin, os.Stdout)
	} else {
		err = run(*batched)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// run runs both ways of the tunnel until one of them fails.
func run(batched bool) error {
	mtu, err := strconv.Atoi(os.Getenv("TB_MTU"))
	if err != nil {
		return fmt.Errorf("TB_MTU: %w", err)
	}
	tun, err := openTUN(os.Getenv("TB_DEV"))
	if err != nil {
		return err
	}
	conn, err := openUDP(os.Getenv("TB_LOCAL"), os.Getenv("TB_PEER"))
	if err != nil {
		return err
	}
	out, in := outward, inward
	if batched {
		out, in = outwardBatched, inwardBatched
	}
	failed := make(chan error, 2)
	go func() { failed <- out(tun, conn, mtu) }()
	go func() { failed <- in(tun, conn, mtu) }()
	return <-failed
}

// openTUN opens a TUN device, whose reads wait in the scheduler, not in a thread.
func openTUN(name string) (*os.File, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, fmt.Errorf("TB_DEV: %w", err)
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil
}

func openUDP(local, peer string) (*net.UDPConn, error) {
	var ends [2]*net.UDPAddr
	for i, text := range []string{local, peer} {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("TB_LOCAL, TB_PEER: %w", err)
		}
		ends[i] = net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port))
	}
	conn, err := net.DialUDP("udp", ends[0], ends[1])
	if err != nil {
		return nil, err
	}
	return conn, errors.Join(conn.SetReadBuffer(socketBuffer), conn.SetWriteBuffer(socketBuffer))
}

// firstSequence is the time, so that numbers are above those of an earlier start.
func firstSequence() uint64 { return uint64(time.Now().UnixNano()) }

// outward sends packets from the device to the peer, one by one. A packet that the socket refuses is dropped.
func outward(tun *os.File, conn *net.UDPConn, mtu int) error {
	datagram := make([]byte, headerLen+mtu+1) // one byte more than fits shows what is too long
	for sequence := firstSequence(); ; sequence++ {
		n, err := tun.Read(datagram[headerLen:])
		if err != nil {
			return fmt.Errorf("read from the TUN device: %w", err)
		}
		if n > mtu {
			continue
		}
		seal(datagram[:headerLen+n], sequence)
		_, _ = conn.Write(datagram[:headerLen+n])
	}
}

// inward writes packets from the peer to the device, one by one.
func inward(tun *os.File, conn *net.UDPConn, mtu int) error {
	var w window
	datagram := make([]byte, headerLen+mtu+1)
	for {
		n, err := conn.Read(datagram)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue // an ICMP error: the peer has not started yet
		}
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if open(&w, datagram[:n], mtu) == accepted {
			_, _ = tun.Write(datagram[headerLen:n])
		}
	}
}
