package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Reading is every meter at one moment.
type Reading struct {
	at      time.Time
	lost    []time.Duration // that others took from the soakers
	soaked  []time.Duration // that the kernel says the soakers had
	process time.Duration   // that the device's processes ran
	user    time.Duration   // of that, in user mode
	wan     time.Duration   // that those ran which the wan link is made of
	softirq time.Duration   // that the kernel's threads for soft interrupts ran
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

// CoreUse is what was taken of the device's cores between two readings.
type CoreUse struct {
	Elapsed time.Duration
	Cores   int
	Metered bool            // the cores have meters that are theirs alone
	Busy    float64         // cores that anybody but the soakers had
	Busiest float64         // the same of the busiest core, in [0,1]
	Invalid rfc2544.Reasons // why a measurement in this time does not count: other programs used the cores
}

// Use is the difference between two readings.
func (s *Setup) Use(before, after Reading) CoreUse {
	l, r := s.lab, Run{before: before, after: after}
	u := CoreUse{Elapsed: r.elapsed(), Cores: len(l.soakers)}
	if u.Elapsed <= 0 {
		return u
	}
	u.Metered = !l.Shared() && u.Cores > 0
	u.Busy = float64(l.busy(r)) / float64(u.Elapsed)
	for i := range l.soakers {
		u.Busiest = max(u.Busiest, float64(after.lost[i]-before.lost[i])/float64(u.Elapsed))
	}
	u.Invalid = l.classifyMachine(r)
	return u
}

// IdleShare is what is gone of a core of the device when nobody does anything:
// the least of some short looks.
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
