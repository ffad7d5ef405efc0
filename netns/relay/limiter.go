package relay

// limiter computes the departure times of a link with a given rate and a queue. It does not store
// frames. All times are in ns.
//
// The arithmetic is exact. The limiter keeps fractions of a nanosecond, so that rounding errors
// do not add up over many frames.
type limiter struct {
	rate  Rate
	free  int64  // time at which the link can send the next frame
	carry uint64 // fraction of a ns to add to free: carry / rate

	starts []int64 // ring of the departure times of the waiting frames
	head   int     // index of the first waiting frame
	count  int     // number of waiting frames
}

func newLimiter(rate Rate, queue int) limiter {
	return limiter{rate: rate, starts: make([]int64, queue)}
}

// admit returns the departure time of a frame with the given length in bytes that arrives at the
// time at. ok is false if the queue is full.
func (l *limiter) admit(at int64, length int) (leaves int64, ok bool) {
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
	l.occupy(length)
	return leaves, true
}

// occupy adds the transmission time of a frame to free.
func (l *limiter) occupy(length int) {
	const second = 1e9
	work := uint64(second)
	if l.rate.Bits {
		work *= uint64(8 * length)
	}
	work += l.carry
	l.free += int64(work / l.rate.PerSecond)
	l.carry = work % l.rate.PerSecond
}
