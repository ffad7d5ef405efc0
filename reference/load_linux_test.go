package reference

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// TestChangesUnderLoad changes many neighbours, routes or addresses of an end at once while packets flow. A host that
// appears afterwards must be reached, and the others still.
func TestChangesUnderLoad(t *testing.T) {
	for name, change := range map[string]func(link netlink.Link, i int) error{
		"neighbours": func(link netlink.Link, i int) error {
			mac := net.HardwareAddr{2, 9, 9, 9, byte(i >> 8), byte(i)}
			return netlink.NeighSet(&netlink.Neigh{LinkIndex: link.Attrs().Index, IP: manyth(i), State: netlink.NUD_PERMANENT, HardwareAddr: mac})
		},
		"routes": func(link netlink.Link, i int) error {
			r := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: netlink.NewIPNet(manyth(i))}
			if i%2 == 0 {
				return netlink.RouteAdd(r)
			}
			return errors.Join(netlink.RouteAdd(r), netlink.RouteDel(r))
		},
		"addresses": func(link netlink.Link, i int) error {
			a := &netlink.Addr{IPNet: netlink.NewIPNet(manyth(i))}
			return errors.Join(netlink.AddrAdd(link, a), netlink.AddrDel(link, a))
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBothPorts(t, untouched, func(t *testing.T, s site) {
				a, b := s.pair(t, 0, 9000)
				meet(t, a, b)
				stop := s.load(t)
				dev := "lan"
				if s.hosts == s.ends {
					dev = "tun0"
				}
				s.ends[0].onLink(t, dev, func(link netlink.Link) (err error) {
					for i := 0; err == nil && i < 1000; i++ {
						err = change(link, i)
					}
					return err
				})
				meet(t, s.newcomer(t), b)
				stop()
				exchange(t, a, b, 500)
				exchange(t, b, a, 500)
			})
		})
	}
}

// manyth returns one of many addresses that no host has.
func manyth(i int) net.IP { return net.IPv4(10, 90, byte(i>>8), byte(i)).To4() }

// load sends from the first host to the second one, fewer packets than a busy machine carries, until stop is called.
func (s site) load(t *testing.T) (stop func()) {
	t.Helper()
	from, to := s.pair(t, 0, 9001)
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for pause := time.NewTicker(time.Millisecond); ; <-pause.C {
			select {
			case <-ending:
				pause.Stop()
				return
			default:
			}
			for range 5 {
				_, _ = from.WriteTo([]byte("load"), to.LocalAddr())
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(ending); <-ended })
	t.Cleanup(stop)
	return stop
}

// newcomer gives the first host another address and opens a socket there.
func (s site) newcomer(t *testing.T) *net.UDPConn {
	t.Helper()
	dev, addr := "eth0", "10.1.0.66"
	if s.hosts == s.ends {
		dev, addr = "tun0", "198.18.0.66"
	}
	s.hosts[0].inside(t, func() error { return configure(dev, fmt.Sprint(addr, "/24")) })
	return s.hosts[0].listen(t, at(addr, 9000))
}
