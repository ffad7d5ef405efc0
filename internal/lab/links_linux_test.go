package lab

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A link that somebody removes during a trial is no loss of the device.
func TestRemovedLink(t *testing.T) {
	testenv.NetAdmin(t)
	l, err := Open(context.Background(), Config{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, c := range map[string]struct{ device, node, link string }{
		"between the ends":    {"plain", netns.Left, netns.WAN},
		"to the tester":       {"plain", netns.Right, netns.LAN},
		"of a kernel tunnel":  {"vxlan", netns.Right, netns.WAN},
		"of a user's program": {"naive", netns.Left, netns.WAN},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := dut.Parse(c.device)
			if err != nil {
				t.Fatal(err)
			}
			set := Settings{MaxFrames: 1 << 22, LossTimeout: time.Second}
			b, err := l.Setup(context.Background(), d, set, 64)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			removed := make(chan error, 1)
			go func() { removed <- removeLink(b.net.NS(c.node), c.link) }()
			_, err = b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: 1000, Duration: 300 * time.Millisecond})
			if gone := <-removed; gone != nil {
				t.Fatal(gone)
			}
			if errors.Is(err, ErrDied) || !errors.Is(err, errors.ErrUnsupported) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "was removed") {
				t.Error(err)
			}
		})
	}
}

func removeLink(ns *netns.NS, name string) error {
	return ns.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err == nil {
			err = netlink.LinkDel(link)
		}
		return err
	})
}
