package relay

// limiter is a link of a given rate with a queue in front. It knows times only:
// when a frame that comes now may leave. Times are nanoseconds.
//
// The arithmetic is exact: what does not fill a nanosecond is carried over, so
// that a million frames take what a million intervals take.
type limiter struct {
	rate  Rate
	free  int64  // when the link is free again
	carry uint64 // and a fraction of a nanosecond more: carry / rate

	starts []int64 // when the frames that wait will leave: a ring
	head   int
	count  int
}

func newLimiter(rate Rate, queue int) limiter {
	return limiter{rate: rate, starts: make([]int64, queue)}
}

// admit returns when a frame of that many bytes, arriving at at, leaves; ok is false if the queue is
// full.
func (l *limiter) admit(at int64, octets int) (leaves int64, ok bool) {
	if l.rate.PerSecond == 0 {
		return at, true
	}
	for l.count > 0 && l.starts[l.head] <= at {
		l.count--
		if l.head++; l.head == len(l.starts) {
			l.head = 0
		}
	}
	if l.count == len(l.starts) {
		return 0, false
	}
	if at > l.free {
		l.free, l.carry = at, 0
	}
	leaves = l.free
	if leaves > at {
		l.starts[(l.head+l.count)%len(l.starts)] = leaves
		l.count++
	}
	l.occupy(octets)
	return leaves, true
}

// occupy adds the sending time of one more frame to the link.
func (l *limiter) occupy(octets int) {
	const second = 1e9
	work := uint64(second)
	if l.rate.Bits {
		work *= uint64(8 * octets)
	}
	work += l.carry
	l.free += int64(work / l.rate.PerSecond)
	l.carry = work % l.rate.PerSecond
}
