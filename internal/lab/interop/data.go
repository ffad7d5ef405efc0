package interop

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// packet is a packet that a host sends.
type packet struct {
	kind    kind
	payload []byte
}

func (p packet) size() int { return p.kind.header + len(p.payload) }

// The lengths tried: so many from the smallest on, one block in the middle, and two blocks up to the MTU.
const (
	fromSmallest = 48
	middle       = 500
	block        = 16 // has every remainder modulo 16
)

// innerSizes returns the lengths for a version of IP.
func innerSizes(version int) (sizes []int) {
	least := map[int]int{4: 20, 6: 40}[version]
	for _, from := range []struct{ first, n int }{{least, fromSmallest}, {middle, block}, {innerMTU - 2*block + 1, 2 * block}} {
		for i := range from.n {
			sizes = append(sizes, from.first+i)
		}
	}
	return sizes
}

// packetOf returns a packet of a length: UDP, or bare IP if it is too small for that.
func packetOf(version, size int) packet {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.version == version && k.header <= size })
	return packet{kinds[i], payload(number.Add(1), size-kinds[i].header)}
}

// sizes sends packets of all lengths both ways, those that did not arrive up to twice more.
func (s *stand) sizes(ctx context.Context) error {
	if err := s.establish(ctx, left); err != nil {
		return err
	}
	for _, version := range []int{4, 6} {
		for from := range s.hosts {
			var packets []packet
			for _, size := range innerSizes(version) {
				packets = append(packets, packetOf(version, size))
			}
			if err := s.deliver(ctx, from, packets); err != nil {
				return s.lastWords(fmt.Errorf("IPv%d from the %s end: %w", version, sideNames[from], err))
			}
		}
	}
	return nil
}

// deliver sends packets until all have arrived, three times at most.
func (s *stand) deliver(ctx context.Context, from int, packets []packet) error {
	const tries, apart, wait = 3, time.Millisecond, time.Second
	for range tries {
		for _, p := range packets {
			if err := s.hosts[from].send(s.hosts[1-from], p.kind, p.payload); err != nil {
				return err
			}
			time.Sleep(apart)
		}
		for start := time.Now(); len(packets) > 0 && time.Since(start) < wait; time.Sleep(10 * time.Millisecond) {
			packets = slices.DeleteFunc(packets, func(p packet) bool { return s.hosts[1-from].received(p.kind, p.payload) > 0 })
		}
		if len(packets) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("packets of %s bytes did not arrive, sent %d times", sizeList(packets), tries)
}

func sizeList(packets []packet) string {
	const most = 8
	var sizes []string
	for _, p := range packets[:min(most, len(packets))] {
		sizes = append(sizes, strconv.Itoa(p.size()))
	}
	if more := len(packets) - most; more > 0 {
		sizes = append(sizes, strconv.Itoa(more)+" more lengths")
	}
	return strings.Join(sizes, ", ")
}

// steady sends packets both ways for a time, and waits for the last ones.
func (s *stand) steady(ctx context.Context, long, every time.Duration) (sent [2][]packet, err error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < long; {
		for from := range s.hosts {
			p := packetOf(4, 100)
			if err := s.hosts[from].send(s.hosts[1-from], p.kind, p.payload); err != nil {
				return sent, err
			}
			sent[from] = append(sent[from], p)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return sent, context.Cause(ctx)
		}
	}
	for start := time.Now(); time.Since(start) < dataLimit; time.Sleep(10 * time.Millisecond) {
		if missing(s.hosts[right], sent[left])+missing(s.hosts[left], sent[right]) == 0 {
			break
		}
	}
	return sent, nil
}

// missing returns how many packets have not arrived.
func missing(at *host, packets []packet) (n int) {
	for _, p := range packets {
		if at.received(p.kind, p.payload) == 0 {
			n++
		}
	}
	return n
}
