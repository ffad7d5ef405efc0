package relay

// Effect returns what the patterns do to the frames 1 to n of a trial. It leaves out the effects of
// chance, of the queue and of time.
type Effect struct {
	Received, Duplicated, Reordered, Corrupted uint64
}

// Effect is what the patterns do to the frames 1 to n of a trial; what is left
// to chance, to a queue or to time is not in it.
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
			e.Reordered++ // the one before follows this one
			holding = false
		}
		holding = holding || held
	}
	return e
}
