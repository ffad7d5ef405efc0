package lab

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// streamReading is every meter at one moment of a stream measurement.
type streamReading struct {
	reading
	hosts time.Duration   // that client and server ran
	idle  []time.Duration // that the tester's cores had nothing to do
}

func (h *Hosts) read() streamReading {
	var r streamReading
	for _, p := range h.processes {
		if t, _, err := p.CPUTime(); err == nil {
			r.hosts += t
		}
	}
	r.idle = idleTimes(h.bench.lab.cpus.Tester)
	r.reading = h.bench.read()
	return r
}

// use is the difference between two readings.
func (h *Hosts) use(before, after streamReading) coreUse {
	l := h.bench.lab
	u := coreUse{run: Run{before: before.reading, after: after.reading}, idle: 1, metered: !l.Shared() && len(l.soakers) > 0}
	elapsed := u.run.elapsed()
	if elapsed <= 0 {
		return coreUse{idle: 1}
	}
	for i := range l.soakers {
		share := float64(after.lost[i]-before.lost[i]) / float64(elapsed)
		u.busiest = max(u.busiest, share)
	}
	u.device = max(0, float64(l.busy(u.run))/float64(elapsed)-h.quiet*float64(len(l.soakers)))
	u.hosts = float64(after.hosts-before.hosts) / float64(elapsed)
	for i := range after.idle {
		u.idle = min(u.idle, float64(after.idle[i]-before.idle[i])/float64(elapsed))
	}
	return u
}

// idleTimes are how long each of cpus has had nothing to do since the machine
// began (proc(5), /proc/stat), in steps of 10 ms; none where the kernel does not say.
func idleTimes(cpus []int) []time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil
	}
	return parseIdle(string(text), cpus)
}

func parseIdle(text string, cpus []int) []time.Duration {
	const idle, iowait, tick = 4, 5, 10 * time.Millisecond
	var times []time.Duration
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) <= iowait || !slices.ContainsFunc(cpus, func(cpu int) bool { return f[0] == "cpu"+strconv.Itoa(cpu) }) {
			continue
		}
		ticks, err1 := strconv.ParseInt(f[idle], 10, 64)
		waits, err2 := strconv.ParseInt(f[iowait], 10, 64)
		if err1 != nil || err2 != nil {
			return nil
		}
		times = append(times, time.Duration(ticks+waits)*tick)
	}
	return times
}

// quietShare is what is gone of a core of the device when nobody does anything:
// the least of some short looks.
func (l *Lab) quietShare() float64 {
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
