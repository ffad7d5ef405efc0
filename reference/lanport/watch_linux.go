package lanport

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
)

// Watch follows a LAN interface: its Ethernet address, MTU, routes and neighbours, and the addresses of
// the host. It makes the kernel resolve Ethernet addresses that are missing.
//
// The kernel's messages only say that something has changed; then everything is read again. A lost message
// (ENOBUFS) is such a change as well, so nothing can be missed for good.
type Watch struct {
	ifindex  int
	handle   *netlink.Handle
	messages *nl.NetlinkSocket
	program  *Program
	current  atomic.Pointer[View]
	stale    []netip.Addr // neighbours of the last refresh that the kernel has not confirmed lately
	changed  chan struct{}
	wanted   chan netip.Addr
	lost     func()      // called once if the interface is removed
	gone     atomic.Bool // the interface was removed
	done     chan struct{}
	ended    sync.WaitGroup
}

// wantedQueue is the length of the queue of addresses to resolve. When the queue is full, Want drops an
// address. The next packet to that address requests it again.
const wantedQueue = 64

const (
	// watchBuffer is the receive buffer of the kernel's messages in bytes, room for about 2,000 neighbours that
	// change at once.
	watchBuffer = 1 << 20
	// watchRegularly is how often everything is read again without a change. Old neighbours are then confirmed.
	watchRegularly = 10 * time.Second
	// After reading everything the watch rests for restFactor times as long as the reading took, within these
	// bounds, so that neither many changes nor long tables take a core.
	restFactor = 10
	minRest    = 5 * time.Millisecond
	maxRest    = time.Second
)

// Groups of rtnetlink(7) messages (linux/rtnetlink.h): links, neighbours, and addresses and routes of both
// IP versions.
var watchGroups = []uint{1, 3, 5, 7, 9, 11}

// Follow follows an interface in the network namespace of the calling thread, and keeps the program's
// addresses current. It calls lost if the interface is removed.
func Follow(ifindex int, program *Program, lost func()) (*Watch, error) {
	handle, err := netlink.NewHandle(syscall.NETLINK_ROUTE) // without a list it wants every family of the kernel
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	w := &Watch{
		ifindex: ifindex, handle: handle, program: program, lost: lost, done: make(chan struct{}),
		changed: make(chan struct{}, 1), wanted: make(chan netip.Addr, wantedQueue),
	}
	if w.messages, err = nl.Subscribe(syscall.NETLINK_ROUTE, watchGroups...); err != nil {
		handle.Close()
		return nil, fmt.Errorf("follow the interface: %w", err)
	}
	_ = w.messages.SetReceiveBufferSize(watchBuffer, true) // a smaller buffer works, with more lost messages
	if err := w.refresh(); errors.Is(err, netlink.ErrDumpInterrupted) {
		w.changed <- struct{}{} // follow reads it again
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("follow the interface: %w", err), w.Close())
	}
	w.ended.Go(w.listen)
	w.ended.Go(w.follow)
	return w, nil
}

// listen raises changed for each message that can concern the interface. After an error, of which lost
// messages are the usual one, anything can have changed.
func (w *Watch) listen() {
	for {
		messages, _, err := w.messages.Receive()
		select {
		case <-w.done:
			return
		default:
		}
		if err != nil && !errors.Is(err, syscall.ENOBUFS) {
			time.Sleep(minRest) // an error that stays must not take a core
		}
		if err != nil || slices.ContainsFunc(messages, w.concerns) {
			select {
			case w.changed <- struct{}{}:
			default:
			}
		}
	}
}

// concerns reports whether a message can be about the interface. Links and neighbours have their interface's
// index at the same offset (struct ifinfomsg and struct ndmsg). The addresses of all interfaces concern the
// port, and a route of another interface can replace one of this interface.
func (w *Watch) concerns(m syscall.NetlinkMessage) bool {
	switch m.Header.Type {
	case syscall.RTM_NEWLINK, syscall.RTM_DELLINK, syscall.RTM_NEWNEIGH, syscall.RTM_DELNEIGH:
		return len(m.Data) >= 8 && int(nl.NativeEndian().Uint32(m.Data[4:])) == w.ifindex
	}
	return true
}

// follow reads everything again after changes, and regularly.
func (w *Watch) follow() {
	regular := time.NewTicker(watchRegularly)
	defer regular.Stop()
	var due <-chan time.Time // nil if nothing has changed since the last refresh
	var rested time.Time
	for {
		select {
		case <-w.changed:
			due = orAfter(due, time.Until(rested))
		case <-regular.C:
			w.confirm()
			due = orAfter(due, time.Until(rested))
		case <-due:
			began := time.Now()
			due = nil
			if w.refresh() != nil {
				due = time.After(maxRest)
			}
			rested = time.Now().Add(min(maxRest, max(minRest, restFactor*time.Since(began))))
		case addr := <-w.wanted:
			w.ask(addr)
		case <-w.done:
			return
		}
		if w.gone.Load() {
			w.lost()
			return
		}
	}
}

// orAfter returns due, or a timer of d if due is nil.
func orAfter(due <-chan time.Time, d time.Duration) <-chan time.Time {
	if due == nil {
		due = time.After(d)
	}
	return due
}

// refresh reads everything from the kernel and publishes it. If a list changed during every reading, it publishes the
// last one and returns netlink.ErrDumpInterrupted: what is missing there is worth less than what is new.
func (w *Watch) refresh() error {
	link, err := w.handle.LinkByIndex(w.ifindex)
	if err != nil {
		w.gone.Store(errors.As(err, new(netlink.LinkNotFoundError)))
		return fmt.Errorf("link: %w", err)
	}
	view := &View{MTU: link.Attrs().MTU}
	if copy(view.Own[:], link.Attrs().HardwareAddr) != len(view.Own) {
		return fmt.Errorf("link: Ethernet address %s", link.Attrs().HardwareAddr)
	}
	routes, err1 := w.routes()
	known, err2 := w.neighbours()
	addrs, err3 := whole(func() ([]netlink.Addr, error) { return w.handle.AddrList(nil, netlink.FAMILY_ALL) })
	err = errors.Join(said("routes", err1), said("neighbours", err2), said("addresses", err3))
	if err != nil && !interrupted(err1, err2, err3) {
		return err
	}
	view.build(routes, known)
	return w.publish(view, addrs, err3 == nil, err)
}

// publish makes a view the current one, and sets the program's addresses. interrupted is the error of a reading, or
// nil. A fault of the program is returned alone: it stays, and an interruption does not.
func (w *Watch) publish(view *View, addrs []netlink.Addr, all bool, interrupted error) error {
	w.current.Store(view)
	if err := w.program.setOwn(view.Own, addrs, all); err != nil {
		return err
	}
	return interrupted
}

// said puts what was read before an error.
func said(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// interrupted reports whether all errors mean that a list changed while it was read.
func interrupted(errs ...error) bool {
	return !slices.ContainsFunc(errs, func(err error) bool { return err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) })
}

// View returns the interface as it is now.
func (w *Watch) View() *View { return w.current.Load() }

// Removed reports whether the interface was removed.
func (w *Watch) Removed() bool { return w.gone.Load() }

// Want requests the Ethernet address of a destination without waiting for it.
func (w *Watch) Want(addr netip.Addr) {
	select {
	case w.wanted <- addr:
	default:
	}
}

// ask makes the kernel resolve the host or its gateway. The kernel ignores a request for an address that it
// is already resolving. The answer arrives as a neighbour change.
func (w *Watch) ask(addr netip.Addr) {
	if r, ok := w.View().routes.Lookup(addr); ok {
		if r.via.IsValid() {
			addr = r.via
		}
		w.use(addr)
	}
}

// confirm makes the kernel ask the neighbours that it has not heard of for a while whether they are still
// there. The kernel itself asks when it sends to them, but the port sends without the kernel.
func (w *Watch) confirm() {
	for _, addr := range w.stale {
		w.use(addr)
	}
}

// use does what sending a packet to a neighbour does: the kernel resolves or confirms its address.
func (w *Watch) use(addr netip.Addr) {
	_ = w.handle.NeighSet(&netlink.Neigh{
		LinkIndex: w.ifindex, IP: addr.AsSlice(), State: netlink.NUD_NONE, Flags: netlink.NTF_USE,
	})
}

// Close stops following.
func (w *Watch) Close() error {
	close(w.done)
	w.messages.Close()
	w.ended.Wait()
	w.handle.Close()
	return nil
}
