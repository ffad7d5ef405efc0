package lab

import "time"

// On an SMT core, load on the sibling thread (on a virtual machine: another guest) makes the
// device's core up to two times slower for seconds, and the tunnel with it. The engine's probe, a
// fixed piece of work, then takes longer. The speed is a value beside the result; it refuses no
// trial.

// speed returns the speed of the device's slowest core, as a share of that core's full speed; 0
// when it was not measured. Full speed is the fastest 16 ms in all trials so far.
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

// learn updates the fastest probe time of each core.
func (l *Lab) learn(fastest map[int]time.Duration) {
	for _, cpu := range l.dutCores() {
		if took := fastest[cpu]; took > 0 && (l.fastest[cpu] == 0 || took < l.fastest[cpu]) {
			l.fastest[cpu] = took
		}
	}
}

// coreSpeed returns the speed of the device's slowest core during a run; nil when it was not measured.
func (l *Lab) coreSpeed(r Run) *float64 {
	share := l.speed(r.Ledger.Probe)
	if share == 0 || r.after.at.IsZero() {
		return nil
	}
	return &share
}
