package wireguard

import (
	"encoding/binary"
	"io"
	"math/bits"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Of several copies of an initiation that are read at once, one is answered.
func TestCopiesOfAnInitiation(t *testing.T) {
	t.Parallel()
	const copies, rounds = 8, 20
	for range rounds {
		n := newNetwork(t, nil)
		n.left.device.Reserve(n.now, n.left.peer, 1)
		call := n.left.device.Tick(n.now)[0].Datagram
		var answers atomic.Int32
		var readers sync.WaitGroup
		begin := make(chan struct{})
		for range copies {
			readers.Go(func() {
				<-begin
				sends, _ := n.right.device.Handshake(n.now, slices.Clone(call), left, false)
				answers.Add(int32(len(sends)))
			})
		}
		close(begin)
		readers.Wait()
		if got := answers.Load(); got != 1 {
			t.Fatalf("%d answers to %d copies", got, copies)
		}
	}
}

// A counter has 64 bits: at no power of two does it begin anew.
func TestCounterIsWide(t *testing.T) {
	t.Parallel()
	for _, width := range []int{16, 31, 32, 48, 59} {
		n := newNetwork(t, nil)
		n.send(n.left, numbered(0))
		edge := uint64(1) << width
		n.left.peer.current.counter = edge - 2
		for want := edge - 2; want < edge+2; want++ {
			if _, got, _ := n.left.device.Reserve(n.now, n.left.peer, 1); got != want {
				t.Fatalf("counter %d, want %d", got, want)
			}
		}
		n.send(n.left, numbered(1))
		if len(n.right.got) != 2 {
			t.Errorf("a message with counter %d did not arrive", edge+2)
		}
	}
}

// Without load nobody needs a cookie, however many handshakes there were.
func TestNoCookieWithoutLoad(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	n.send(n.left, numbered(0))
	if _, refusal := n.right.device.Handshake(n.now, n.sent[0].Datagram, left, true); refusal != RefusedCookie {
		t.Fatalf("under load: %v", refusal)
	}
	for i := range 120 {
		n.now = n.now.Add(rekeyAfterTime + time.Second)
		n.send(n.left, numbered(i)) // renews the session
		n.carry(n.left, n.left.device.Tick(n.now))
	}
	if left, right := n.left.device.Tally(), n.right.device.Tally(); left.Handshakes != 121 || right.Cookies != 1 {
		t.Errorf("%d handshakes and %d cookies, want 121 and 1", left.Handshakes, right.Cookies)
	}
}

// switchable is a source of random bytes that can be exchanged.
type switchable struct{ io.Reader }

// An index follows from random bytes alone, all its bits do, and not from the indices before it.
func TestIndicesTellNothing(t *testing.T) {
	t.Parallel()
	random := &switchable{newSeeded(1)}
	device, err := New(Config{Private: PrivateKey{8, 1}, MTU: 1420, Random: random})
	if err != nil {
		t.Fatal(err)
	}
	const drawn = 4096
	draw := func(seed byte) (all []uint32, ones [32]int) {
		random.Reader = newSeeded(seed)
		clear(device.indices)
		for range drawn {
			i, err := device.newIndex()
			if err != nil {
				t.Fatal(err)
			}
			all, device.indices[i] = append(all, i), indexed{peer: &Peer{}}
			for rest := i; rest != 0; rest &= rest - 1 {
				ones[bits.TrailingZeros32(rest)]++
			}
		}
		return all, ones
	}
	one, ones := draw(2)
	other, _ := draw(3)
	for bit, n := range ones {
		if n < drawn*4/10 || n > drawn*6/10 {
			t.Errorf("bit %d is set in %d of %d indices", bit, n, drawn)
		}
	}
	for i := range one {
		if one[i] == other[i] {
			t.Fatalf("index %d is %08x, whatever the random bytes", i, one[i])
		}
	}
}

// A timestamp on the wire has steps of 2^24 ns: it does not tell the clock more exactly.
func TestTimestampIsCoarse(t *testing.T) {
	t.Parallel()
	for _, fraction := range []time.Duration{0, 1, 16777215, 16777216, 123456789, 999999999} {
		n := newNetwork(t, nil)
		n.now = n.now.Add(fraction)
		n.left.device.Reserve(n.now, n.left.peer, 1)
		message := n.left.device.Tick(n.now)[0].Datagram
		call, err := n.right.device.newHandshake(nil)
		if err != nil {
			t.Fatal(err)
		}
		stamp, _, err := call.read(message[offInitNoise : len(message)-macsLen])
		if err != nil {
			t.Fatal(err)
		}
		const step = 1 << 24
		if got, want := binary.BigEndian.Uint32(stamp[8:]), uint32(fraction)/step*step; got != want {
			t.Errorf("%d ns are sent as %d, want %d", fraction.Nanoseconds(), got, want)
		}
	}
}

// A flood from many addresses leaves nothing behind.
func TestManySources(t *testing.T) {
	n := newNetwork(t, nil)
	n.left.device.Reserve(n.now, n.left.peer, 1)
	call := n.left.device.Tick(n.now)[0].Datagram
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const sources = 100_000
	before := heap()
	for i := range uint32(sources) {
		var a [16]byte
		a[0] = 0x20
		binary.BigEndian.PutUint32(a[4:], i)
		n.right.device.Handshake(n.now, call, netip.AddrPortFrom(netip.AddrFrom16(a), 9), true)
	}
	if grown := heap() - before; grown > 64<<10 {
		t.Errorf("%d bytes more of heap after messages from %d addresses", grown, sources)
	}
	if live := n.right.device.Live(); live != 0 {
		t.Errorf("%d indices", live)
	}
}
