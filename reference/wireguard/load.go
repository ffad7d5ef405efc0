package wireguard

import "time"

// A device is under load when an eighth of the handshake messages that can wait do, or handshakes took more than
// a fifth of a core in the last second.
const (
	// MaxWaiting is how many handshake messages should wait at most. More are to be dropped before any work is
	// spent on them.
	MaxWaiting = 256

	busyWaiting = MaxWaiting / 8
	busyShare   = 0.2
)

// Load says whether a device is under load. It belongs to the goroutine that calls Handshake.
type Load struct {
	since         time.Time     // begin of this second
	spent, before time.Duration // in it, and in the one before
}

// Busy reports whether the device is under load, with so many messages waiting.
func (l *Load) Busy(now time.Time, waiting int) bool {
	l.roll(now)
	return waiting >= busyWaiting || max(l.spent, l.before).Seconds() > busyShare
}

// Worked notes the time that a message took.
func (l *Load) Worked(now time.Time, spent time.Duration) {
	l.roll(now)
	l.spent += spent
}

// roll begins another second.
func (l *Load) roll(now time.Time) {
	age := now.Sub(l.since)
	if age < time.Second {
		return
	}
	l.before = l.spent
	if age >= 2*time.Second {
		l.before = 0
	}
	l.since, l.spent = now, 0
}
