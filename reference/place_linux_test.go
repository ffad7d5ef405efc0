package reference

import (
	"errors"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// TestPlaces opens XDP ports. Where nothing would ever arrive, they are refused with what to do; where only a
// macvlan on the interface cannot reach the port, they open.
func TestPlaces(t *testing.T) {
	testenv.NetAdmin(t)
	for name, c := range map[string]struct {
		make func(t *testing.T, e *end) error
		want string // in the refusal; empty: it opens
	}{
		"interface below answers ARP": {func(*testing.T, *end) error {
			return errors.Join(cable("lower", "unused", nil), macvlan("lan", "lower", nil))
		}, "lower below it answers ARP for all addresses of this host, so that packets bypass it: run sysctl -w net/ipv4/conf/lower/arp_ignore=1"},
		"macvlan on the port": {func(*testing.T, *end) error {
			return errors.Join(cable("lan", "unused", nil), macvlan("eth0", "lan", nil))
		}, ""},
		"macvlan in another namespace": {func(t *testing.T, e *end) error {
			ns, err := sys.NewNetNS()
			if err != nil {
				return err
			}
			t.Cleanup(func() { ns.Close() })
			err = errors.Join(cable("lan", "unused", nil), macvlan("eth0", "lan", netlink.NsFd(ns.Fd())))
			(&end{ns: ns}).inside(t, func() error { return configure("eth0") })
			return err
		}, ""},
		"macvlan on a bridge": {func(*testing.T, *end) error {
			return errors.Join(netlink.LinkAdd(&netlink.Bridge{LinkAttrs: named("lan")}), macvlan("eth0", "lan", nil))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnds(t, 1600)[0]
			e.inside(t, func() error { return c.make(t, e) })
			e.inside(t, func() error {
				p, err := openXDP(settings.Config{Dev: "lan", MTU: 1500})
				if err == nil {
					p.close()
				}
				if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
					t.Errorf("error %q, want one line with %q", err, c.want)
				}
				return nil
			})
		})
	}
}

// TestSeveralQueues checks what is said of an interface with several receive queues.
func TestSeveralQueues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		queues  int
		stacked bool
		want    string
	}{
		"one": {1, false, ""}, "unknown": {0, true, ""},
		"a card": {4, false, "ethtool -L lan combined 1"}, "a bond": {16, true, "use port: tun, or an interface below it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := oneQueue(c.queues, c.stacked, "lan")
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
