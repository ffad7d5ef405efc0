package reference

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/bpf"
)

// sourceFilter is the socket's BPF filter; nil if there is none.
type sourceFilter struct{ objects bpf.FilterObjects }

// attachSourceFilter attaches a BPF filter to the socket. The filter drops datagrams from unknown sources
// before the kernel queues them, so that they cost little and do not fill the queue. The error wraps
// errors.ErrUnsupported if the kernel cannot load the filter. decap checks the source of every datagram
// again.
func attachSourceFilter(socket *sys.UDP, endpoints map[netip.AddrPort]*endpoint) (*sourceFilter, error) {
	spec, err := bpf.LoadFilter()
	if err != nil {
		return nil, fmt.Errorf("read the socket filter: %w", err)
	}
	spec.Maps["endpoints"].MaxEntries = uint32(len(endpoints))
	f := &sourceFilter{}
	if err := spec.LoadAndAssign(&f.objects, nil); err != nil {
		return nil, fmt.Errorf("%w: load the socket filter: %w", errors.ErrUnsupported, err)
	}
	for addr := range endpoints {
		if err := f.objects.Endpoints.Put(filterKey(addr), uint8(1)); err != nil {
			return nil, errors.Join(fmt.Errorf("add %s to the socket filter: %w", addr, err), f.close())
		}
	}
	if err := socket.AttachFilter(f.objects.FromEndpoint.FD()); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errors.ErrUnsupported, err), f.close())
	}
	return f, nil
}

// filterKey is struct endpoint of filter.c: the address, with IPv4 in the first four bytes, and the port
// in network byte order.
func filterKey(a netip.AddrPort) (key [20]byte) {
	copy(key[:16], a.Addr().AsSlice())
	key[16], key[17] = byte(a.Port()>>8), byte(a.Port())
	return key
}

// unknownSource returns the number of messages that the filter has dropped. Datagrams that the kernel has
// joined before (UDP_GRO) count as one message.
func (f *sourceFilter) unknownSource() (sum uint64) {
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

func (f *sourceFilter) close() error {
	if f == nil {
		return nil
	}
	return f.objects.Close()
}
