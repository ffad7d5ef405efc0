package streams

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
)

// streamReading holds the values of all meters at one moment of a stream measurement.
type streamReading struct {
	device lab.Reading
	hosts  time.Duration   // CPU time of client and server
	idle   []time.Duration // idle time of each of the tester's cores
}

func (h *Hosts) read() streamReading {
	var r streamReading
	for _, p := range h.processes {
		if t, _, err := p.CPUTime(); err == nil {
			r.hosts += t
		}
	}
	r.idle = idleTimes(h.lab.CPUPlan().Tester)
	r.device = h.setup.Read()
	return r
}

// use returns the difference between two readings.
func (h *Hosts) use(before, after streamReading) coreUse {
	cores := h.setup.Use(before.device, after.device)
	u := coreUse{CoreUse: cores, idle: 1}
	if cores.Elapsed <= 0 {
		return u
	}
	u.device = max(0, cores.Busy-h.quiet*float64(cores.Cores))
	u.hosts = float64(after.hosts-before.hosts) / float64(cores.Elapsed)
	for i := range after.idle {
		u.idle = min(u.idle, float64(after.idle[i]-before.idle[i])/float64(cores.Elapsed))
	}
	return u
}

// idleTimes returns the idle time of each core since boot, in steps of 10 ms (proc(5), /proc/stat);
// nil if the kernel does not report it.
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
