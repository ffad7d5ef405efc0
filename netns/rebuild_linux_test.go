package netns

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// A rebuild keeps the tester's namespace and ports. The other nodes are new, and packets pass
// through them.
func TestRebuild(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Dual(Plan{}))
	tester, left, port := n.NS(Tester), n.NS(Left), indexOf(t, n.NS(Tester), Port0)
	err := n.Rebuild(t.Context(), func() error {
		if n.NS(Left) != nil || n.NS(Right) != nil || n.NS(Tester) != tester {
			t.Error("not away")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n.NS(Left) == left || n.NS(Left) == nil || n.NS(Tester) != tester || indexOf(t, tester, Port0) != port {
		t.Error("left is the old one, or the tester's port is not")
	}
	for _, pair := range [][2]string{{Left, LAN}, {Left, WAN}, {Right, LAN}, {Right, WAN}, {Tester, Port1}} {
		if up, err := n.NS(pair[0]).IsUp(pair[1]); !up || err != nil {
			t.Errorf("%s of %s is up: %v, %v", pair[1], pair[0], up, err)
		}
	}
	left4, right4 := listenUDP(t, n.NS(Left), LeftWAN.Addr()), listenUDP(t, n.NS(Right), RightWAN.Addr())
	if _, err := left4.WriteToUDPAddrPort([]byte("ping"), portOf(right4)); err != nil {
		t.Fatal(err)
	}
	if got, _, err := right4.ReadFromUDPAddrPort(make([]byte, 16)); got != 4 || err != nil {
		t.Errorf("%d bytes, %v", got, err)
	}
	away := errors.New("no way back")
	if err := n.Rebuild(t.Context(), func() error { return away }); !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
}

func indexOf(t *testing.T, ns *NS, dev string) int {
	t.Helper()
	index := 0
	err := ns.onLink(dev, "look up", func(_ *netlink.Handle, link netlink.Link) error {
		index = link.Attrs().Index
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return index
}
