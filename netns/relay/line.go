package relay

// line holds the frames of one direction that are on their way, in the order
// of their departures, copied one behind the other into one slab. Nothing is
// allocated after newLine.
type line struct {
	slab    []byte
	write   int     // where the next frame goes
	entries []entry // a ring; its length is a power of two
	head    uint64  // first entry
	tail    uint64  // behind the last
	held    []byte  // a frame that waits for the one it is to follow
	buffer  []byte  // held's room
}

// entry is a frame in the slab.
type entry struct {
	depart int64
	at     int
	octets int
	copies int
}

// What a line holds: 0.25 s at a million frames or a gigabit per second.
const (
	lineFrames = 1 << 18
	lineOctets = 32 << 20
)

// newLine returns a line for frames of up to that many bytes. frames is the number of slots, a power
// of two.
func newLine(frames, octets, largest int) *line {
	return &line{slab: make([]byte, octets), entries: make([]entry, frames), buffer: make([]byte, largest)}
}

func (l *line) first() *entry { return &l.entries[l.head&uint64(len(l.entries)-1)] }

func (l *line) empty() bool { return l.head == l.tail }

// place finds room for n octets in a row; it moves nothing.
func (l *line) place(n int) (at int, ok bool) {
	if l.empty() {
		return 0, n <= len(l.slab) // from the start, where the cache is warm
	}
	oldest := l.first().at
	switch {
	case l.tail-l.head == uint64(len(l.entries)):
		return 0, false
	case l.write <= oldest: // the free part is between them
		return l.write, l.write+n <= oldest
	case l.write+n <= len(l.slab):
		return l.write, true
	}
	return 0, n <= oldest
}

// hasRoom reports whether a frame of n octets and the held one both have room.
func (l *line) hasRoom(n int) bool {
	if l.tail-l.head > uint64(len(l.entries)-2) {
		return false
	}
	_, ok := l.place(n + len(l.held))
	return ok
}

// push takes a frame that hasRoom has room for.
func (l *line) push(frame []byte, d decision) {
	if d.hold {
		l.held = l.buffer[:copy(l.buffer, frame)]
		alter(l.held, d)
		return
	}
	l.append(frame, d)
	if d.release {
		l.release(d.depart)
	}
}

// release lets the held frame go, behind all others.
func (l *line) release(depart int64) {
	l.append(l.held, decision{depart: depart, copies: 1})
	l.held = nil
}

func (l *line) append(frame []byte, d decision) {
	at, ok := l.place(len(frame))
	if !ok {
		return // held and frame were seen to have room
	}
	copy(l.slab[at:], frame)
	alter(l.slab[at:at+len(frame)], d)
	l.write = at + len(frame)
	l.entries[l.tail&uint64(len(l.entries)-1)] = entry{depart: d.depart, at: at, octets: len(frame), copies: d.copies}
	l.tail++
}

// alter inverts the last byte of a frame that has to be corrupted.
func alter(frame []byte, d decision) {
	if d.corrupt && len(frame) > 0 {
		frame[len(frame)-1] ^= 0xff
	}
}

// due copies the frames that leave by now to batch, one by one, as far as its capacity goes.
func (l *line) due(batch [][]byte, now int64) [][]byte {
	for i := l.head; i != l.tail; i++ {
		e := &l.entries[i&uint64(len(l.entries)-1)]
		if e.depart > now || len(batch)+e.copies > cap(batch) {
			break
		}
		frame := l.slab[e.at : e.at+e.octets : e.at+e.octets]
		for range e.copies {
			batch = append(batch, frame)
		}
	}
	return batch
}

// sent takes the first n frames off, copies counted one by one.
func (l *line) sent(n int) {
	for n > 0 {
		e := l.first()
		took := min(n, e.copies)
		e.copies -= took
		n -= took
		if e.copies == 0 {
			l.head++
		}
	}
}
