package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Reading holds the values of all CPU meters at one moment.
type Reading struct {
	at      time.Time
	lost    []time.Duration // CPU time of others on each soaker's core
	soaked  []time.Duration // CPU time of each soaker, as the kernel accounts for it
	process time.Duration   // CPU time of the device's processes
	user    time.Duration   // the part of process in user mode
	wan     time.Duration   // CPU time of the wan link's processes
	softirq time.Duration   // CPU time of the ksoftirqd threads
}

// Read reads the meters.
func (s *Setup) Read() Reading {
	var r Reading
	r.process, r.user = s.session.CPUTime()
	r.wan, _ = s.wan.CPUTime()
	for _, k := range s.lab.soakers {
		r.soaked = append(r.soaked, k.ran())
		r.softirq += cpuTime(k.softirqd)
	}
	r.at = time.Now()
	for _, k := range s.lab.soakers {
		r.lost = append(r.lost, k.lost())
	}
	return r
}

// CoreUse is the use of the device's cores between two readings.
type CoreUse struct {
	Elapsed time.Duration
	Cores   int
	Metered bool            // the cores have meters that are theirs alone
	Busy    float64         // average number of cores in use, without the soakers
	Busiest float64         // use of the busiest core, in [0,1]
	Invalid rfc2544.Reasons // set when other programs used the cores: the measurement does not count
}

// Use returns the difference between two readings.
func (s *Setup) Use(before, after Reading) CoreUse {
	l, r := s.lab, Run{before: before, after: after}
	u := CoreUse{Elapsed: r.elapsed(), Cores: len(l.soakers)}
	if u.Elapsed <= 0 {
		return u
	}
	u.Metered = !l.Shared() && u.Cores > 0 && l.metered()
	u.Busy = float64(l.busy(r)) / float64(u.Elapsed)
	for i := range l.soakers {
		u.Busiest = max(u.Busiest, float64(after.lost[i]-before.lost[i])/float64(u.Elapsed))
	}
	u.Invalid = l.unaccounted(r)
	return u
}

// IdleShare returns how busy a core of the device is without traffic: the lowest of several short
// measurements.
func (l *Lab) IdleShare() float64 {
	const looks, look = 5, 20 * time.Millisecond
	if len(l.soakers) == 0 {
		return 0
	}
	least := 1.0
	for range looks {
		sum := time.Duration(0)
		for _, s := range l.soakers {
			sum -= s.lost()
		}
		start := time.Now()
		time.Sleep(look)
		for _, s := range l.soakers {
			sum += s.lost()
		}
		least = min(least, float64(sum)/float64(time.Since(start))/float64(len(l.soakers)))
	}
	return least
}
