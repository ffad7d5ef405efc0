package lanport

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

func TestWhole(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		interruptions int
		then          error
		want          int
		err           error
	}{
		"at once": {0, nil, 1, nil}, "after interruptions": {wholeTries - 1, nil, wholeTries, nil},
		"never": {wholeTries, nil, wholeTries, netlink.ErrDumpInterrupted}, "another error": {1, broken, 2, broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reads := 0
			list, err := whole(func() ([]int, error) {
				if reads++; reads <= c.interruptions {
					return []int{reads}, netlink.ErrDumpInterrupted
				}
				return []int{reads}, c.then
			})
			if reads != c.want || list[0] != reads || !errors.Is(err, c.err) {
				t.Errorf("list %d of %d readings, %v; want %d, %v", list, reads, err, c.want, c.err)
			}
		})
	}
}

// TestChangesWhileReading starts following while the kernel's lists are long and change all the time.
func TestChangesWhileReading(t *testing.T) {
	inNewNS(t, func() error {
		link, err := lanInterface()
		for i := 0; err == nil && i < many; i++ {
			err = netlink.AddrAdd(link, address(96, i))
		}
		if err != nil {
			return err
		}
		stop, err := churn(link)
		if err != nil {
			return err
		}
		defer stop()
		program, err := loaded(t, link)
		for i := 0; err == nil && i < 20; i++ {
			err = followOnce(link, program)
		}
		if err != nil {
			return err
		}
		w, err := Follow(link.Attrs().Index, program, func() {})
		if err != nil {
			return err
		}
		defer w.Close()
		return findsNeighbour(w, link, "10.1.0.9", time.Minute)
	})
}

// TestProgramFaultWhileReading publishes lists that changed while they were read. Only a fault of the program, which
// stays, keeps Follow from starting.
func TestProgramFaultWhileReading(t *testing.T) {
	inNewNS(t, func() error {
		link, err := lanInterface()
		if err != nil {
			return err
		}
		program, err := loaded(t, link)
		if err != nil {
			return err
		}
		w, view := &Watch{program: program}, &View{Own: MAC{2}}
		if err := w.publish(view, nil, false, netlink.ErrDumpInterrupted); !errors.Is(err, netlink.ErrDumpInterrupted) {
			t.Errorf("%v", err)
		}
		if err := program.Close(); err != nil {
			return err
		}
		if err := w.publish(view, []netlink.Addr{*address(1, 1)}, false, netlink.ErrDumpInterrupted); err == nil || errors.Is(err, netlink.ErrDumpInterrupted) {
			t.Errorf("with a program that cannot be set: %v", err)
		}
		return nil
	})
}

// many is the length of a list that the kernel sends in several messages.
const many = 2000

// followOnce follows an interface that has many addresses, and ends.
func followOnce(link netlink.Link, program *Program) error {
	w, err := Follow(link.Attrs().Index, program, func() {})
	if err != nil {
		return err
	}
	defer w.Close()
	if known := len(program.addrs); known < many {
		return fmt.Errorf("%d addresses are known of at least %d", known, many)
	}
	return nil
}

func address(net3, i int) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, byte(net3), byte(i>>8), byte(i)), Mask: net.CIDRMask(32, 32)}}
}

// churn adds and removes an address until stop is called.
func churn(link netlink.Link) (stop func(), err error) {
	h, err := netlink.NewHandle(syscall.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ending:
				return
			default:
				_, _ = h.AddrAdd(link, address(97, 1)), h.AddrDel(link, address(97, 1))
			}
		}
	}()
	return func() { close(ending); <-ended; h.Close() }, nil
}

// TestManyRoutes follows an interface with 10,000 routes through a gateway that becomes known later.
func TestManyRoutes(t *testing.T) {
	inNewNS(t, func() error {
		link, err := lanInterface()
		if err != nil {
			return err
		}
		for i := range 10000 {
			r := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: address(99, i).IPNet, Gw: net.IPv4(10, 1, 0, 9)}
			if err := netlink.RouteAdd(r); err != nil {
				return err
			}
		}
		w, err := followed(t, link)
		if err != nil {
			return err
		}
		if got := w.View().routes.Size(); got < 10000 {
			t.Errorf("%d routes are known of 10000", got)
		}
		return findsNeighbour(w, link, "10.99.39.15", time.Minute) // the last one
	})
}
