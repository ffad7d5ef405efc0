package trace

import (
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// Programs at tracepoints, by the tracepoint. Those of readers and threads are of use only where the device has a process.
var (
	drops   = map[string]string{"freed": waterfall.DropsTracepoint}
	readers = map[string]string{
		"copied": "skb:skb_copy_datagram_iovec", "queued": "sock:sk_data_ready", "received": "sock:sock_recv_length",
	}
	schedule = map[string]string{"woken": "sched:sched_wakeup", "switched": "sched:sched_switch"}
)

// untold returns what a trace cannot tell on a kernel without these tracepoints.
func untold(missing []string) (warnings []string) {
	for _, c := range []struct {
		programs map[string]string
		what     string
	}{
		{drops, "why frames are lost"},
		{readers, "when a process reads a packet, so that it may have no hops queue and process of its own,"},
		{schedule, "how long the device's threads wait and run"},
	} {
		for _, at := range c.programs {
			if slices.Contains(missing, at) {
				warnings = append(warnings, "The kernel has no tracepoint "+at+": "+c.what+" is not known.")
			}
		}
	}
	slices.Sort(warnings)
	return warnings
}

// leaveOut takes away what was not seen for want of a tracepoint: without a word of the kernel no reason is known, not even that it is
// none of the kernel's.
func leaveOut(out *waterfall.Trace, missing []string) {
	out.Missing = missing
	out.Warnings = append(out.Warnings, untold(missing)...)
	if slices.ContainsFunc(missing, func(at string) bool { return at == schedule["woken"] || at == schedule["switched"] }) {
		out.Threads = []waterfall.Threads{}
	}
	if out.KnowsDrops() {
		return
	}
	for i := range out.Streams {
		s := &out.Streams[i]
		for j := range s.Hops {
			s.Hops[j].Reasons = []waterfall.Reason{}
		}
		for j := range s.Picked {
			if s.Picked[j].Lost != "" {
				s.Picked[j].Lost = waterfall.NotKnown
			}
		}
	}
}
