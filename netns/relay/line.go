package relay

// line holds the delayed frames of one direction in the order of their departure. It copies the
// frames one after the other into one block of memory. Only newLine allocates memory.
type line struct {
	slab    []byte
	write   int     // offset of the next frame in slab
	entries []entry // ring; its length is a power of two
	head    uint64  // number of the first entry
	tail    uint64  // number after the last entry
	held    []byte  // frame that waits for the next frame (reorder); nil: none
	buffer  []byte  // memory of held
}

// entry describes a frame in the slab.
type entry struct {
	depart int64 // departure time in ns
	at     int   // offset in the slab
	length int   // bytes
	copies int   // number of times that the frame still has to be sent
}

// Size of a line. It holds the frames of 0.25 s at 1 Mpps or 1 Gbit/s.
const (
	lineFrames = 1 << 18
	lineBytes  = 32 << 20
)

// newLine returns a line for up to frames frames (a power of two) with size bytes together. largest is the
// length of the longest frame in bytes.
func newLine(frames, size, largest int) *line {
	return &line{slab: make([]byte, size), entries: make([]entry, frames), buffer: make([]byte, largest)}
}

func (l *line) first() *entry { return &l.entries[l.head&uint64(len(l.entries)-1)] }

func (l *line) empty() bool { return l.head == l.tail }

// place returns the offset of n contiguous free bytes in the slab. ok is false if there are none.
func (l *line) place(n int) (at int, ok bool) {
	if l.empty() {
		return 0, n <= len(l.slab) // start at offset 0, which is in the CPU cache
	}
	oldest := l.first().at
	switch {
	case l.tail-l.head == uint64(len(l.entries)):
		return 0, false
	case l.write <= oldest: // the free part is from write to oldest
		return l.write, l.write+n <= oldest
	case l.write+n <= len(l.slab):
		return l.write, true
	}
	return 0, n <= oldest
}

// hasRoom reports whether the line has room for both a frame of n bytes and the held frame.
func (l *line) hasRoom(n int) bool {
	if l.tail-l.head > uint64(len(l.entries)-2) {
		return false
	}
	_, ok := l.place(n + len(l.held))
	return ok
}

// push adds a frame, or holds it if d.hold is set. Call push only if hasRoom returned true for the
// length of the frame.
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

// release adds the held frame after all other frames.
func (l *line) release(depart int64) {
	l.append(l.held, decision{depart: depart, copies: 1})
	l.held = nil
}

func (l *line) append(frame []byte, d decision) {
	at, ok := l.place(len(frame))
	if !ok {
		return // cannot happen after hasRoom returned true
	}
	copy(l.slab[at:], frame)
	alter(l.slab[at:at+len(frame)], d)
	l.write = at + len(frame)
	l.entries[l.tail&uint64(len(l.entries)-1)] = entry{depart: d.depart, at: at, length: len(frame), copies: d.copies}
	l.tail++
}

// alter inverts the last byte of a frame that has to be corrupted.
func alter(frame []byte, d decision) {
	if d.corrupt && len(frame) > 0 {
		frame[len(frame)-1] ^= 0xff
	}
}

// due appends the frames whose departure time is up to now to batch, within the capacity of batch.
// A frame with two copies is appended twice.
func (l *line) due(batch [][]byte, now int64) [][]byte {
	for i := l.head; i != l.tail; i++ {
		e := &l.entries[i&uint64(len(l.entries)-1)]
		if e.depart > now || len(batch)+e.copies > cap(batch) {
			break
		}
		frame := l.slab[e.at : e.at+e.length : e.at+e.length]
		for range e.copies {
			batch = append(batch, frame)
		}
	}
	return batch
}

// sent removes the first n frames. Each copy counts as a frame.
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
