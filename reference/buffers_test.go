package reference

import (
	"slices"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

var onlyPeer = &peer{id: 7, endpoint: &endpoint{}}

// fill writes packets of the given sizes into a batch. A negative size is a packet that is then removed
// from the batch.
func fill(b *batch, sizes ...int) {
	for _, n := range sizes {
		b.commit(max(n, -n))
		b.datagrams[len(b.datagrams)-1].peer, b.datagrams[len(b.datagrams)-1].to = onlyPeer, onlyPeer.endpoint
		if n < 0 {
			b.datagrams = b.datagrams[:len(b.datagrams)-1]
		}
	}
}

func runs(b *batch) (lengths []int) {
	for i := 0; i < b.len(); i += lengths[len(lengths)-1] {
		lengths = append(lengths, b.run(i))
	}
	return lengths
}

func TestRuns(t *testing.T) {
	const largest = settings.MaxDatagram - wire.HeaderLen
	t.Parallel()
	many := func(n, size int) []int { return slices.Repeat([]int{size}, n) }
	cases := []struct {
		name  string
		mtu   int
		sizes []int
		want  []int
	}{
		{"one", 1500, []int{46}, []int{1}},
		{"equal", 1500, []int{46, 46, 46}, []int{3}},
		{"last shorter", 1500, []int{100, 100, 60, 60}, []int{3, 1}},
		{"last longer", 1500, []int{60, 60, 100}, []int{2, 1}},
		{"up and down", 1500, []int{60, 100, 60, 100}, []int{1, 2, 1}},
		{"gap", 1500, []int{60, 60, -60, 60}, []int{2, 1}},
		{"as many as the kernel takes", 1500, many(frameBatch, 46), []int{maxRun, maxRun}},
		{"as many bytes as UDP takes", 1500, many(50, 1500), []int{maxRunBytes / 1518, 50 - maxRunBytes/1518}},
		{"largest", largest, []int{largest, largest}, []int{1, 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBatch(layout{head: wire.HeaderLen, mtu: c.mtu}, frameBatch)
			fill(b, c.sizes...)
			if got := runs(b); !slices.Equal(got, c.want) {
				t.Errorf("runs %v, want %v", got, c.want)
			}
		})
	}
}

func TestBatchHoldsWhatItSays(t *testing.T) {
	for _, mtu := range []int{576, 1500, 9000, settings.MaxDatagram - wire.HeaderLen} {
		b := newBatch(layout{head: wire.HeaderLen, mtu: mtu}, frameBatch)
		for range 2 {
			b.reset()
			for !b.full() {
				if room := len(b.next()); room != mtu+1 {
					t.Fatalf("mtu %d: room for %d bytes, want one more than the MTU", mtu, room)
				}
				b.commit(mtu + 1)
			}
		}
		if b.len() == 0 || len(b.slab) > max(maxSlab, wire.HeaderLen+mtu+1) {
			t.Errorf("mtu %d: %d packets in %d bytes", mtu, b.len(), len(b.slab))
		}
	}
}
