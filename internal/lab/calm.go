package lab

import (
	"context"
	"time"
)

// A virtual core shares its silicon with a neighbour on the other half of an
// SMT core, who makes it up to two times slower for seconds at a time; a tunnel
// is then slower by as much. The canary's probe sees it: the same piece of work
// takes longer. The lab waits for the neighbour to rest, and does not count a
// trial in which the device's cores were slow, while its patience lasts; after
// that trials are taken as they come, and say how fast the cores were.

// slowest is how many times longer than in the core's quickest moment the
// average probe of a trial may take. An undisturbed trial takes 1.08 times as long.
const slowest = 1.25

// speed is how fast the device's cores ran, as a share of what each can do; the
// slowest of them counts. 0 when nobody knows. What a core can do is its
// quickest 16 ms of any trial: there are enough of them that the reference is
// the same in every run, however busy the neighbours are on the whole.
func (l *Lab) speed(probes map[int]time.Duration) float64 {
	share := 0.0
	for _, cpu := range l.dutCores() {
		took, fastest := probes[cpu], l.fastest[cpu]
		if took == 0 || fastest == 0 {
			continue
		}
		if s := min(1, float64(fastest)/float64(took)); share == 0 || s < share {
			share = s
		}
	}
	return share
}

// learn lowers what a core needs in its quickest moment.
func (l *Lab) learn(fastest map[int]time.Duration) {
	for _, cpu := range l.dutCores() {
		if took := fastest[cpu]; took > 0 && (l.fastest[cpu] == 0 || took < l.fastest[cpu]) {
			l.fastest[cpu] = took
		}
	}
}

// WaitForFullSpeed waits until the device's cores are as fast as they can be, or
// patience ends.
func (b *Setup) WaitForFullSpeed(ctx context.Context) error {
	const look = 20 * time.Millisecond
	for b.lab.patience > 0 {
		probes, err := b.engine.Probe(ctx, look)
		if err != nil {
			return err
		}
		if s := b.lab.speed(probes); s == 0 || s*slowest >= 1 {
			return nil
		}
		b.lab.patience -= look
	}
	return nil
}

// coreSpeed is the speed of the device's slowest core during a run; nil when it is not known.
func (l *Lab) coreSpeed(r Run) *float64 {
	share := l.speed(r.Ledger.Probe)
	if share == 0 || r.after.at.IsZero() {
		return nil
	}
	return &share
}
