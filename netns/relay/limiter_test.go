package relay

import "testing"

// After ten seconds of overload, the departure time of the last frame is exact to the nanosecond.
func TestRateIsExact(t *testing.T) {
	for _, c := range []struct {
		rate   Rate
		length int
	}{{Rate{PerSecond: 7}, 64}, {Rate{PerSecond: 77777}, 64}, {Rate{PerSecond: 1488095}, 64}, {Rate{99999999, true}, 1518}, {Rate{1e9, true}, 64}} {
		l := newLimiter(c.rate, MaxQueue)
		per := uint64(1)
		if c.rate.Bits {
			per = uint64(8 * c.length)
		}
		n := 10 * c.rate.PerSecond / per
		var leaves int64
		for i := range n {
			due := int64(i * per * 1e9 / c.rate.PerSecond) // no overflow within 10 s
			var ok bool
			if leaves, ok = l.admit(max(0, due-1000), c.length); !ok { // frames arrive before they are due, so that the link is never idle
				t.Fatalf("%v: frame %d dropped", c.rate, i)
			}
		}
		if want := int64((n - 1) * per * 1e9 / c.rate.PerSecond); leaves != want {
			t.Errorf("%v: the last of %d frames leaves at %d, want %d", c.rate, n, leaves, want)
		}
	}
}

// The first frame of a burst leaves at once. The queue holds as many frames as configured, and
// the other frames are dropped. Each departure makes room for one frame.
func TestQueueIsExact(t *testing.T) {
	const interval = 100
	l := newLimiter(Rate{PerSecond: 1e9 / interval}, 5)
	for i := range int64(10) {
		leaves, ok := l.admit(1000, 64)
		if ok != (i <= 5) || ok && leaves != 1000+i*interval {
			t.Errorf("frame %d leaves at %d, %t", i, leaves, ok)
		}
	}
	if _, ok := l.admit(1000+interval-1, 64); ok {
		t.Error("room before the second frame has left")
	}
	if leaves, ok := l.admit(1000+interval, 64); !ok || leaves != 1000+6*interval {
		t.Errorf("when the second frame leaves: %d, %t", leaves, ok)
	}
	if _, ok := l.admit(1000+interval, 64); ok {
		t.Error("room for two after one has left")
	}
	if leaves, ok := l.admit(9999, 64); !ok || leaves != 9999 {
		t.Errorf("after a rest: %d, %t", leaves, ok)
	}
}

// The length of the longest burst without loss is as computed, at a load above the rate.
func TestLongestBurst(t *testing.T) {
	const every, interval, queue = 10, 25, 100 // ns between arrivals, ns between departures, frames
	l := newLimiter(Rate{PerSecond: 1e9 / interval}, queue)
	var lossless int64
	for ; ; lossless++ {
		if _, ok := l.admit(lossless*every, 64); !ok {
			break
		}
	}
	var want int64
	for ; ; want++ { // frame j leaves at j*interval
		waiting := 0
		for j := range want {
			if j*interval > want*every {
				waiting++
			}
		}
		if waiting == queue {
			break
		}
	}
	if lossless != want {
		t.Errorf("%d frames, want %d", lossless, want)
	}
}
