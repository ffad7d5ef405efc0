//go:build ignore

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// With batches, what waits at the device goes out in one sendmmsg, in which datagrams of one size are one
// message that the kernel cuts (UDP_SEGMENT); and what waits at the socket comes in by one recvmmsg, in which
// datagrams of one size are one message that the kernel has joined (UDP_GRO). A batch ends when nothing more
// waits, so nothing is delayed. The device still takes and gives one packet for each system call.
const (
	batchLen   = 64    // packets; the kernel cuts a message into at most 64 on older systems
	largest    = 65507 // bytes in a UDP message
	messages   = 16    // of one recvmmsg
	messageLen = 1 << 16
)

// batch is datagrams on their way out.
type batch struct {
	slots     [batchLen][]byte // the memory of each datagram
	datagrams [][]byte
	messages  []ipv4.Message
	control   [batchLen][]byte // the control message of each message
}

func newBatch(mtu int) *batch {
	b := &batch{datagrams: make([][]byte, 0, batchLen), messages: make([]ipv4.Message, 0, batchLen)}
	for i := range b.slots {
		b.slots[i] = make([]byte, headerLen+mtu+1)
		b.control[i] = segmentControl()
	}
	return b
}

// segmentControl returns a control message with room for the size of segments (udp(7)).
func segmentControl() []byte {
	c := make([]byte, unix.CmsgSpace(2))
	binary.NativeEndian.PutUint64(c, uint64(unix.CmsgLen(2)))
	binary.NativeEndian.PutUint32(c[8:], unix.SOL_UDP)
	binary.NativeEndian.PutUint32(c[12:], unix.UDP_SEGMENT)
	return c
}

// fill reads packets until the batch is full or nothing waits. It sleeps only while the batch is empty.
func (b *batch) fill(tun syscall.RawConn, mtu int) error {
	b.datagrams = b.datagrams[:0]
	var failed error
	err := tun.Read(func(fd uintptr) bool {
		for len(b.datagrams) < batchLen {
			slot := b.slots[len(b.datagrams)]
			n, err := unix.Read(int(fd), slot[headerLen:])
			switch {
			case err == unix.EAGAIN:
				return len(b.datagrams) > 0
			case err == unix.EINTR || err == nil && n > mtu:
			case err != nil:
				failed = err
				return true
			default:
				b.datagrams = append(b.datagrams, slot[:headerLen+n])
			}
		}
		return true
	})
	return errors.Join(err, failed)
}

// runLen returns how many of the first datagrams can be one message: all have the size of the first one, only
// the last may be shorter.
func runLen(datagrams [][]byte) int {
	size, n := len(datagrams[0]), 1
	for n < len(datagrams) && (n+1)*size <= largest && len(datagrams[n]) <= size {
		n++
		if len(datagrams[n-1]) < size {
			break
		}
	}
	return n
}

func (b *batch) send(conn *ipv4.PacketConn) {
	b.messages = b.messages[:0]
	for rest := b.datagrams; len(rest) > 0; {
		n := runLen(rest)
		m := ipv4.Message{Buffers: rest[:n]}
		if n > 1 {
			m.OOB = b.control[len(b.messages)]
			binary.NativeEndian.PutUint16(m.OOB[unix.CmsgLen(0):], uint16(len(rest[0])))
		}
		b.messages, rest = append(b.messages, m), rest[n:]
	}
	for rest := b.messages; len(rest) > 0; {
		n, err := conn.WriteBatch(rest, 0)
		if err != nil {
			n = 1
			sendSingly(conn, rest[0].Buffers)
		}
		rest = rest[n:]
	}
}

// sendSingly sends the datagrams of a message that the kernel refused to cut up, as on a link without checksums (EIO) and
// where they are larger than the route's MTU (EINVAL). One that was alone is dropped.
func sendSingly(conn *ipv4.PacketConn, datagrams [][]byte) {
	for i := 0; len(datagrams) > 1 && i < len(datagrams); i++ {
		_, _ = conn.WriteBatch([]ipv4.Message{{Buffers: datagrams[i : i+1]}}, 0)
	}
}

func outwardBatched(tun *os.File, conn *net.UDPConn, mtu int) error {
	raw, err := tun.SyscallConn()
	if err != nil {
		return err
	}
	b, out := newBatch(mtu), ipv4.NewPacketConn(conn)
	for sequence := firstSequence(); ; {
		if err := b.fill(raw, mtu); err != nil {
			return fmt.Errorf("read from the TUN device: %w", err)
		}
		for _, datagram := range b.datagrams {
			seal(datagram, sequence)
			sequence++
		}
		b.send(out)
	}
}

// joinReceived makes the kernel join datagrams of one size.
func joinReceived(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_GRO, 1) })
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("UDP_GRO: %w", err)
	}
	return nil
}

func inwardBatched(tun *os.File, conn *net.UDPConn, mtu int) error {
	if err := joinReceived(conn); err != nil {
		return err
	}
	received := make([]ipv4.Message, messages)
	for i := range received {
		received[i] = ipv4.Message{Buffers: [][]byte{make([]byte, messageLen)}, OOB: make([]byte, unix.CmsgSpace(4))}
	}
	var w window
	in := ipv4.NewPacketConn(conn)
	for {
		n, err := in.ReadBatch(received, 0)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		for _, m := range received[:n] {
			take(tun, &w, m.Buffers[0][:m.N], segmentSize(m), mtu)
		}
	}
}

// segmentSize returns the size of a message's datagrams, of which the last may be shorter.
func segmentSize(m ipv4.Message) int {
	oob := m.OOB[:m.NN]
	if len(oob) < unix.CmsgLen(4) || binary.NativeEndian.Uint32(oob[12:]) != unix.UDP_GRO {
		return m.N
	}
	return int(binary.NativeEndian.Uint32(oob[unix.CmsgLen(0):]))
}

// take writes the packets of a message to the device.
func take(tun *os.File, w *window, message []byte, size, mtu int) {
	for {
		datagram := message[:min(size, len(message))]
		if open(w, datagram, mtu) == accepted {
			_, _ = tun.Write(datagram[headerLen:])
		}
		if message = message[len(datagram):]; len(message) == 0 {
			return
		}
	}
}
