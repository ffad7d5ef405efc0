package sys

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// udpPair is two sockets.
func udpPair(t *testing.T, host string) (a, b *UDP, addrA, addrB netip.AddrPort) {
	t.Helper()
	addrA, addrB = unusedPort(t, host), unusedPort(t, host)
	dial := func(local, peer netip.AddrPort) *UDP {
		u, err := ListenUDP(local, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { u.Close() })
		return u
	}
	return dial(addrA, addrB), dial(addrB, addrA), addrA, addrB
}

func unusedPort(t *testing.T, host string) netip.AddrPort {
	t.Helper()
	probe, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	return probe.LocalAddr().(*net.UDPAddr).AddrPort()
}

// pattern is n octets that differ from their neighbours.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7)
	}
	return p
}

func TestSegmentsArriveAsARow(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		a, b, addrA, addrB := udpPair(t, host)
		if err := a.ProbeSegmentation(); err != nil {
			t.Fatal(err)
		}
		if err := b.EnableGRO(); err != nil {
			t.Fatal(err)
		}
		row, lone := pattern(1000), pattern(50)
		var out SendVector
		out.Add(row, 300, NewName(addrB))
		out.Add(lone, 0, NewName(addrB))
		if n, err := out.Send(a); n != 2 || err != nil {
			t.Fatalf("%s: sent %d messages, %v", host, n, err)
		}
		got := collect(t, b, NewReceiveVector(4, 1<<16), len(row)+len(lone))
		if len(got) != 2 || got[0].Segment != 300 || got[1].Segment != 0 {
			t.Fatalf("%s: %d messages, want a row of 300 each and a lone datagram: %+v", host, len(got), got)
		}
		if !bytes.Equal(got[0].Data, row) || !bytes.Equal(got[1].Data, lone) || got[0].Source != addrA {
			t.Errorf("%s: octets or source %v changed", host, got[0].Source)
		}
	}
}

func TestSegmentsArriveOneByOne(t *testing.T) {
	a, b, _, addrB := udpPair(t, "127.0.0.1")
	row := pattern(1000)
	var out SendVector
	out.Add(row, 300, NewName(addrB))
	if n, err := out.Send(a); n != 1 || err != nil {
		t.Fatalf("sent %d messages, %v", n, err)
	}
	got := collect(t, b, NewReceiveVector(8, 2048), len(row))
	if len(got) != 4 || len(got[3].Data) != 100 {
		t.Errorf("%d messages without UDP_GRO, want 4 of which the last has 100 octets", len(got))
	}
}

// collect receives until octets have come, and copies.
func collect(t *testing.T, u *UDP, in *ReceiveVector, octets int) (got []Arrival) {
	t.Helper()
	watchdog := time.AfterFunc(5*time.Second, func() { u.ShutdownRead() })
	defer watchdog.Stop()
	for octets > 0 {
		messages, err := in.Receive(u, Kept)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if len(m.Data) == 0 {
				t.Fatalf("%d octets never came", octets)
			}
			octets -= len(m.Data)
			m.Data = bytes.Clone(m.Data)
			got = append(got, m)
		}
	}
	return got
}

func TestTruncatedIsMarked(t *testing.T) {
	a, b, _, addrB := udpPair(t, "127.0.0.1")
	in := NewReceiveVector(2, 100)
	for _, n := range []int{101, 100} { // the mark must not stay in the slot
		var out SendVector
		out.Add(pattern(n), 0, NewName(addrB))
		if _, err := out.Send(a); err != nil {
			t.Fatal(err)
		}
		got := collect(t, b, in, min(n, 100))
		if len(got) != 1 || got[0].Truncated != (n > 100) || len(got[0].Data) != 100 {
			t.Errorf("%d octets into a slot of 100: %+v", n, got)
		}
	}
}

func TestRefusedSegmentationIsRecognised(t *testing.T) {
	a, _, _, addrB := udpPair(t, "127.0.0.1")
	var out SendVector
	out.Add(pattern(2000), 1, NewName(addrB)) // far more segments than any kernel takes
	if _, err := out.Send(a); !RefusesSegmentation(err) {
		t.Errorf("2000 segments in one send: %v, want a refusal", err)
	}
	if RefusesSegmentation(syscall.ECONNREFUSED) || RefusesSegmentation(nil) {
		t.Error("an ICMP message must not look like a refusal")
	}
}

func TestShutdownWakesReceive(t *testing.T) {
	a, _, _, _ := udpPair(t, "127.0.0.1")
	done := make(chan error, 1)
	go func() {
		messages, err := NewReceiveVector(4, 100).Receive(a, Kept)
		for _, m := range messages {
			if len(m.Data) > 0 {
				err = syscall.EPROTO
			}
		}
		done <- err
	}()
	if err := a.ShutdownRead(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("woken with %v, want messages of length zero", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("still asleep")
	}
}

func TestIsBroken(t *testing.T) {
	a, _, _, _ := udpPair(t, "127.0.0.1")
	_, err := NewReceiveVector(1, 100).Receive(&UDP{fd: -1}, Kept)
	if !IsBroken(err) {
		t.Errorf("a socket that is not there: %v is not broken", err)
	}
	if IsBroken(syscall.ECONNREFUSED) || IsBroken(syscall.EINTR) {
		t.Error("passing errors must not look like a broken socket")
	}
	if err := a.ProbeSegmentation(); err != nil {
		t.Error(err)
	}
}

func TestVectorsDoNotAllocate(t *testing.T) {
	a, b, _, addrB := udpPair(t, "127.0.0.1")
	if err := b.EnableGRO(); err != nil {
		t.Fatal(err)
	}
	data, to := pattern(640), NewName(addrB)
	out, in := new(SendVector), NewReceiveVector(4, 1<<16)
	allocations := testing.AllocsPerRun(100, func() {
		out.Reset()
		out.Add(data, 64, to)
		if _, err := out.Send(a); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Receive(b, Kept); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("a send and a receive allocate %v times", allocations)
	}
}

// [::] takes IPv4 alone where the kernel has no IPv6; another address of IPv6 cannot be had there.
func TestAnyAddressWithoutIPv6(t *testing.T) {
	t.Parallel()
	without := func(family int) (int, error) {
		if family == unix.AF_INET6 {
			return -1, unix.EAFNOSUPPORT
		}
		return 7, nil
	}
	for at, want := range map[string]string{"[::]:5": "0.0.0.0:5", "192.0.2.1:5": "192.0.2.1:5", "0.0.0.0:5": "0.0.0.0:5"} {
		if fd, local, err := socketFor(netip.MustParseAddrPort(at), without); fd != 7 || local.String() != want || err != nil {
			t.Errorf("%s: %d, %s, %v", at, fd, local, err)
		}
	}
	if _, _, err := socketFor(netip.MustParseAddrPort("[2001:db8::1]:5"), without); err != unix.EAFNOSUPPORT {
		t.Errorf("an address of IPv6: %v", err)
	}
}

// A socket at [::] takes IPv4 too, also where net.ipv6.bindv6only says otherwise.
func TestAnyAddressTakesIPv4(t *testing.T) {
	testenv.NetAdmin(t)
	ns, err := NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	err = InNetNS(ns, func() error {
		if err := os.WriteFile("/proc/sys/net/ipv6/bindv6only", []byte("1"), 0o600); err != nil {
			return err
		}
		u, err := ListenUDP(netip.MustParseAddrPort("[::]:0"), 1<<16)
		if err != nil {
			return err
		}
		defer u.Close()
		port, err := u.Port()
		if err != nil {
			return err
		}
		if other, err := ListenUDP(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), 1<<16); err == nil { // it has the port of IPv4, too
			other.Close()
			t.Error("the port of IPv4 is free")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
