package behaviour

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// faultyWord is the first argument of this program when it is one side of a tunnel that does what a test has to find:
// each packet of a TUN device in a UDP datagram. Without faults it does as RFC 6040 says. The other arguments are
// its faults:
//
//	no-ecn        the outer field is Not-ECT, and the egress does not look at it
//	mark-lost     the ingress copies the ECN field, but the egress does not look at the outer one
//	dscp-copied   the outer header has the DSCP of the inner one
//	dscp-cleared  the DSCP is lost
//	ttl-kept      the TTL behind the tunnel is that before it
//	drops-big     packets above 1400 octets vanish
//	reorders=N    every Nth packet comes one packet later
//	starves       the first flow that is seen gets nothing
const faultyWord = "__faulty"

const faultyPort = 4444

func init() {
	reexec.Register(faultyWord, func(args []string) error { return runFaulty(args) })
}

// faulty returns a tunnel with faults.
func faulty(t *testing.T, faults ...string) dut.Device {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "faulty.sh")
	script := fmt.Sprintf("#!/bin/sh\nexec %s %s %s\n", self, faultyWord, strings.Join(faults, " "))
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := dut.Parse("exec:" + path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// tunnel is one side of a faulty tunnel.
type tunnel struct {
	faults []string
	tun    *os.File
	conn   *net.UDPConn
	nth    int // of reorders; 0: none

	count int
	held  []byte // the packet that comes later
	flow  string // the flow that starves
	class int    // of the socket's packets
}

func (t *tunnel) has(fault string) bool { return slices.Contains(t.faults, fault) }

func runFaulty(faults []string) error {
	t := &tunnel{faults: faults}
	if err := t.open(); err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- t.routineOut() }()
	go func() { failed <- t.routineIn() }()
	return <-failed
}

// open opens the tunnel's ends and reads its faults.
func (t *tunnel) open() error {
	for _, fault := range t.faults {
		name, value, _ := strings.Cut(fault, "=")
		var err error
		switch name {
		case "reorders":
			t.nth, err = strconv.Atoi(value)
		}
		if err != nil {
			return err
		}
	}
	mtu, err := strconv.Atoi(os.Getenv("TB_MTU"))
	if err != nil {
		return err
	}
	tun, err := sys.OpenTUN(os.Getenv("TB_DEV"), mtu, sys.TUNPlain)
	if err != nil {
		return err
	}
	t.tun = tun.File()
	var ends [2]netip.Addr
	for i, key := range []string{"TB_LOCAL", "TB_PEER"} {
		if ends[i], err = netip.ParseAddr(os.Getenv(key)); err != nil {
			return err
		}
	}
	t.conn, err = net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ends[0], faultyPort)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(ends[1], faultyPort)))
	if err != nil {
		return err
	}
	return t.setOption(syscall.IP_RECVTOS, 1)
}

func (t *tunnel) setOption(option, value int) error {
	raw, err := t.conn.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, option, value) })
	return errors.Join(err, set)
}

// routineOut carries packets to the other side.
func (t *tunnel) routineOut() error {
	buffer := make([]byte, 1<<16)
	for {
		n, err := t.tun.Read(buffer)
		if err != nil {
			return err
		}
		packet := buffer[:n]
		if t.has("drops-big") && n > 1400 || t.starved(packet) {
			continue
		}
		if t.has("ttl-kept") {
			keepTTL(packet)
		}
		if t.count++; t.nth > 0 && t.count%t.nth == 0 && t.held == nil {
			t.held = slices.Clone(packet)
			continue
		}
		if err := t.send(packet); err != nil {
			return err
		}
		if t.held != nil {
			if err := t.send(t.held); err != nil {
				return err
			}
			t.held = nil
		}
	}
}

// starved reports whether a packet is of the flow that gets nothing.
func (t *tunnel) starved(packet []byte) bool {
	const ports, end = 20, 24
	if !t.has("starves") || packet[0]>>4 != 4 || len(packet) < end {
		return false
	}
	if t.flow == "" {
		t.flow = string(packet[ports:end])
	}
	return t.flow == string(packet[ports:end])
}

// keepTTL undoes what the two routers of the tunnel do.
func keepTTL(packet []byte) {
	const routers = 2
	if packet[0]>>4 == 6 {
		packet[7] += routers
		return
	}
	packet[8] += routers
	sumHeader(packet)
}

// send sends a packet. It drops one that the socket refuses.
func (t *tunnel) send(packet []byte) error {
	class := int(classOf(packet))
	outer := class & 3
	if t.has("no-ecn") {
		outer = 0
	}
	if t.has("dscp-copied") {
		outer |= class &^ 3
	}
	if t.has("dscp-cleared") {
		setClass(packet, classOf(packet)&3)
	}
	if outer != t.class {
		if err := t.setOption(syscall.IP_TOS, outer); err != nil {
			return err
		}
		t.class = outer
	}
	_, _ = t.conn.Write(packet)
	return nil
}

// routineIn carries packets from the other side.
func (t *tunnel) routineIn() error {
	buffer, control := make([]byte, 1<<16), make([]byte, 128)
	for {
		n, size, _, _, err := t.conn.ReadMsgUDPAddrPort(buffer, control)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil || n == 0 {
			continue // the other side is not there yet
		}
		packet := buffer[:n]
		if !t.has("no-ecn") && !t.has("mark-lost") {
			mark := egress6040[classOf(packet)&3][classFrom(control[:size])&3]
			if mark == dropped {
				continue
			}
			setECN(packet, mark)
		}
		if _, err := t.tun.Write(packet); err != nil && !errors.Is(err, syscall.EINVAL) {
			return err
		}
	}
}

// classFrom returns the DS field and the ECN field that came with a datagram.
func classFrom(control []byte) uint8 {
	messages, _ := syscall.ParseSocketControlMessage(control)
	for _, m := range messages {
		if m.Header.Level == syscall.IPPROTO_IP && m.Header.Type == syscall.IP_TOS && len(m.Data) > 0 {
			return m.Data[0]
		}
	}
	return 0
}
