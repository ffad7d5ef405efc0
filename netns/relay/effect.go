package relay

// Effect holds the numbers of frames that the tester must count after a trial through a relay.
type Effect struct {
	Received, Duplicated, Reordered, Corrupted uint64
}

// Effect returns the effect of the patterns on the frames 1 to n of a trial. It ignores the
// effects of loss, rate, delay and outage.
func (c Config) Effect(n uint64) (e Effect) {
	holding := false
	for i := uint64(1); i <= n; i++ {
		switch {
		case c.Drop.hits(i):
			continue
		case c.Corrupt.hits(i):
			e.Corrupted++
			continue
		}
		e.Received++
		held := false
		switch {
		case c.Dup.hits(i):
			e.Duplicated++
		case c.Reorder.hits(i):
			held = !holding
		}
		if holding {
			e.Reordered++ // the held frame leaves after frame i
			holding = false
		}
		holding = holding || held
	}
	return e
}
