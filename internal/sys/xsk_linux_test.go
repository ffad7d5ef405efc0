package sys

import (
	"net"
	"os"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// inVeth makes two joined interfaces in a new namespace and runs fn there.
func inVeth(t *testing.T, fn func(a, b *net.Interface) error) {
	t.Helper()
	testenv.NetAdmin(t)
	ns, err := NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := InNetNS(ns, func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "a"
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "b"}); err != nil {
			return err
		}
		var ends [2]*net.Interface
		for i, name := range []string{"a", "b"} {
			link, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetUp(link); err != nil {
				return err
			}
			if ends[i], err = net.InterfaceByName(name); err != nil {
				return err
			}
		}
		return fn(ends[0], ends[1])
	}); err != nil {
		t.Fatal(err)
	}
}

// TestXSKTransmits: more frames than there are slots leave by an AF_XDP socket
// and come in, in order and whole, by a packet socket at the other end.
func TestXSKTransmits(t *testing.T) {
	inVeth(t, func(a, b *net.Interface) error {
		x, err := OpenXSK(a.Index, 0, XSKConfig{Receive: 64, Transmit: 64, SlotOctets: 2048})
		if err != nil {
			return err
		}
		defer x.Close()
		in, err := OpenPacket(b.Index, 1024, 2048)
		if err != nil {
			return err
		}
		defer in.Close()
		const frames = 300
		for sent := 0; sent < frames; {
			for room := x.Room(); room != nil && sent < frames; room = x.Room() {
				frame := ethernet(room[:60+sent], byte(sent), byte(sent>>8))
				x.Commit(len(frame))
				sent++
			}
			if err := x.Kick(); err != nil {
				return err
			}
		}
		for n := 0; n < frames; {
			p, ok := in.Next()
			if !ok {
				if err := in.Wait(1e9); err != nil {
					return err
				}
				continue
			}
			if p.Data[12] == 0x88 && p.Data[13] == 0xb5 { // not what the kernel says on a new link
				if got := int(p.Data[14]) | int(p.Data[15])<<8; got != n || len(p.Data) != 60+n {
					t.Errorf("frame %d of %d octets where %d was due", got, len(p.Data), n)
				}
				n++
			}
			in.Release()
		}
		return nil
	})
}

// ethernet makes a frame of IEEE 802's local experimental type.
func ethernet(frame []byte, payload ...byte) []byte {
	clear(frame)
	copy(frame, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5})
	copy(frame[14:], payload)
	return frame
}

// TestXSKIsGivenBack: the queue can be had again at once.
func TestXSKIsGivenBack(t *testing.T) {
	inVeth(t, func(a, _ *net.Interface) error {
		for range 5 {
			x, err := OpenXSK(a.Index, 0, XSKConfig{Receive: 64, Transmit: 64, SlotOctets: 2048})
			if err != nil {
				return err
			}
			if err := x.Close(); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestXSKWaitEndsByItsEvent(t *testing.T) {
	inVeth(t, func(a, _ *net.Interface) error {
		x, err := OpenXSK(a.Index, 0, XSKConfig{Receive: 64, Transmit: 64, SlotOctets: 2048})
		if err != nil {
			return err
		}
		defer x.Close()
		event, err := NewEvent()
		if err != nil {
			return err
		}
		defer event.Close()
		if err := event.Raise(); err != nil {
			return err
		}
		raised, err := x.Wait(event, Kept)
		if !raised && err == nil {
			err = os.ErrDeadlineExceeded
		}
		return err
	})
}
