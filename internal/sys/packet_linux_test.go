package sys

import (
	"bytes"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// loopback is a packet socket on the loopback interface of a namespace of its
// own: what it sends comes in again.
func loopback(t testing.TB, slots, slotOctets int) *PacketSocket {
	t.Helper()
	testenv.NetAdmin(t)
	ns, err := NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	var s *PacketSocket
	err = InNetNS(ns, func() error {
		if err := linkUp("lo", 65536); err != nil {
			return err
		}
		lo, err := net.InterfaceByName("lo")
		if err != nil {
			return err
		}
		s, err = OpenPacket(lo.Index, slots, slotOctets)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// receiveOne waits for a frame and returns a copy.
func receiveOne(t testing.TB, s *PacketSocket) Packet {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if p, ok := s.Next(); ok {
			p.Data = bytes.Clone(p.Data)
			s.Release()
			return p
		}
		if err := s.Wait(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("no frame came")
	return Packet{}
}

// frames are n frames of an EtherType for experiments, all different.
func frames(n, octets int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = pattern(octets)
		out[i][12], out[i][13], out[i][14], out[i][15] = 0x88, 0xb5, byte(i>>8), byte(i)
	}
	return out
}

func TestPacketsComeBackOnceAndInOrder(t *testing.T) {
	s := loopback(t, 256, 4096)
	for _, octets := range []int{60, 1514, 3000} {
		sent := frames(100, octets) // three times round a ring of 256
		before := time.Now().UnixNano()
		if n, err := s.Send(sent); n != len(sent) || err != nil {
			t.Fatalf("%d octets: sent %d, %v", octets, n, err)
		}
		for i, want := range sent {
			p := receiveOne(t, s)
			if !bytes.Equal(p.Data, want) || p.Length != octets {
				t.Fatalf("%d octets: frame %d is %d octets of %d, %x", octets, i, len(p.Data), p.Length, p.Data[:16])
			}
			if after := time.Now().UnixNano(); p.At < before || p.At > after {
				t.Errorf("%d octets: frame %d came at %d, between %d and %d it was", octets, i, p.At, before, after)
			}
		}
		if p, ok := s.Next(); ok {
			t.Errorf("%d octets: one more frame: %x", octets, p.Data[:16])
		}
	}
}

func TestPacketCutAndDropped(t *testing.T) {
	s := loopback(t, 256, 256)
	if n, err := s.Send(frames(1, 1000)); n != 1 || err != nil {
		t.Fatalf("sent %d, %v", n, err)
	}
	if p := receiveOne(t, s); p.Length != 1000 || len(p.Data) >= 1000 || len(p.Data) < 256-ringHead {
		t.Errorf("%d octets of %d in a slot of 256", len(p.Data), p.Length)
	}
	many := frames(s.slots+50, 60)
	if n, err := s.Send(many); n != len(many) || err != nil {
		t.Fatalf("sent %d, %v", n, err)
	}
	for range s.slots {
		receiveOne(t, s)
	}
	for range 2 { // reading it does not forget
		if n, err := s.Dropped(); n != 50 || err != nil {
			t.Errorf("dropped %d, %v, want 50", n, err)
		}
	}
	if n, err := s.Send(nil); n != 0 || err != nil {
		t.Errorf("nothing sent: %d, %v", n, err)
	}
	if _, err := s.Send([][]byte{make([]byte, 1<<17)}); err == nil {
		t.Error("a frame of 128 KiB: no error")
	}
}

func TestPacketAllocatesNothing(t *testing.T) {
	s := loopback(t, 1024, 256)
	batch := frames(16, 60)
	n := testing.AllocsPerRun(100, func() {
		if _, err := s.Send(batch); err != nil {
			t.Fatal(err)
		}
		for {
			if _, ok := s.Next(); !ok {
				break
			}
			s.Release()
		}
		if err := s.Wait(0); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestClocks(t *testing.T) {
	for range 100 {
		var mono, wall unix.Timespec
		before := Monotonic()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono); err != nil {
			t.Fatal(err)
		}
		after := Monotonic()
		const slack = 10e3
		if at := uint64(mono.Nano()); at+slack < before || at > after+slack {
			t.Fatalf("the kernel's clock says %d, ours %d before and %d after", at, before, after)
		}
		low := ClockOffset() + int64(Monotonic())
		if err := unix.ClockGettime(unix.CLOCK_REALTIME, &wall); err != nil {
			t.Fatal(err)
		}
		if high := ClockOffset() + int64(Monotonic()); wall.Nano()+slack < low || wall.Nano() > high+slack {
			t.Fatalf("the time of day is %d, ours %d before and %d after", wall.Nano(), low, high)
		}
	}
}
