// Package sources lets the kernel drop datagrams from unknown sources, before it queues them at the socket: so they
// cost little and do not fill the queue.
//
//	datagram --> is its source in the set? --yes--> queue of the socket
//	                      |
//	                      no --> counted, gone
package sources

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/bpf"
)

// Filter is the BPF filter of a socket. A nil Filter is none.
type Filter struct{ objects bpf.FilterObjects }

// noPrealloc makes a map take memory for the entries that it has (BPF_F_NO_PREALLOC, bpf(2)).
const noPrealloc = 1

// Attach attaches a filter to a socket, which takes datagrams from sources that Add names, at most so many of them. The
// error wraps errors.ErrUnsupported if the kernel cannot load the filter.
func Attach(socket *sys.UDP, limit int) (*Filter, error) {
	spec, err := bpf.LoadFilter()
	if err != nil {
		return nil, fmt.Errorf("read the socket filter: %w", err)
	}
	known := spec.Maps["endpoints"]
	known.MaxEntries, known.Flags = uint32(limit), known.Flags|noPrealloc
	f := &Filter{}
	if err := spec.LoadAndAssign(&f.objects, nil); err != nil {
		return nil, fmt.Errorf("%w: load the socket filter: %w", errors.ErrUnsupported, err)
	}
	if err := socket.AttachFilter(f.objects.FromEndpoint.FD()); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errors.ErrUnsupported, err), f.Close())
	}
	return f, nil
}

// Add adds a source, if it is not there yet.
func (f *Filter) Add(source netip.AddrPort) error {
	if f == nil {
		return nil
	}
	if err := f.objects.Endpoints.Put(key(source), uint8(1)); err != nil {
		return fmt.Errorf("add %s to the socket filter: %w", source, err)
	}
	return nil
}

// Remove removes a source, if it is there.
func (f *Filter) Remove(source netip.AddrPort) error {
	if f == nil {
		return nil
	}
	if err := f.objects.Endpoints.Delete(key(source)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("remove %s from the socket filter: %w", source, err)
	}
	return nil
}

// key is struct endpoint of filter.c: the address, with IPv4 in the first four bytes, and the port in network byte
// order.
func key(a netip.AddrPort) (key [20]byte) {
	copy(key[:16], a.Addr().AsSlice())
	key[16], key[17] = byte(a.Port()>>8), byte(a.Port())
	return key
}

// Unknown returns the number of messages that the filter has dropped. Datagrams that the kernel has joined before
// (UDP_GRO) count as one message.
func (f *Filter) Unknown() (sum uint64) {
	if f == nil {
		return 0
	}
	var perCPU []uint64
	if err := f.objects.UnknownSources.Lookup(uint32(0), &perCPU); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return 0
	}
	for _, n := range perCPU {
		sum += n
	}
	return sum
}

// Close releases the filter. The socket keeps it until it is closed.
func (f *Filter) Close() error {
	if f == nil {
		return nil
	}
	return f.objects.Close()
}
