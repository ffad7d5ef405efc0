package conformance

import (
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var procedures = []rule{
	{Clause{"P1", "RFC 2544, 26.1", Should, "Throughput: the highest rate at which nothing is lost, in trials of 60 s; a graph over the sizes with the maximum rate"},
		measured(rfc2544.NameThroughput, "throughput", "measured; the graph has R and the tester's own limit")},
	{Clause{"P2", "RFC 2544, 26.2", Must, "Latency at the throughput: a tagged frame, at least 20 times, averaged; the report says how latency is defined"},
		measured(rfc2544.NameDelay, "latency", "average of 20 runs; store-and-forward devices (RFC 1242, 3.8)")},
	{Clause{"P4", "RFC 8219, 7.2", Should, "Typical and worst case latency: 500 tagged frames or more, 20 runs, medians"},
		measured(rfc2544.NameDelay, "latency_typical", "measured")},
	{Clause{"P6", "RFC 8219, 7.3.1", Should, "Packet delay variation of all frames, streams of 60 s, 20 runs"},
		measured(rfc2544.NameDelay, "pdv", "measured")},
	{Clause{"P7", "RFC 8219, 7.3.2", Described, "Inter-packet delay variation, signed, 20 runs"},
		measured(rfc2544.NameDelay, "ipdv_", "measured on all frames")},
	{Clause{"P8", "RFC 2544, 26.3", Should, "Frame loss rate from 100 % of the maximum rate down, by steps of 10 % at most, until two loads lose nothing"},
		measured(rfc2544.NameLossRate, "frame_loss_rate", "measured")},
	{Clause{"P9", "RFC 9004, 5", Must, "Back-to-back frames where the throughput is below the maximum rate: a binary search, N times"},
		backToBack("back_to_back", "N and the search's parameters stand with the result")},
	{Clause{"P10", "RFC 9004, 6.4", Described, "The corrected buffer time"},
		backToBack("buffer_time", "burst / rate x (1 - throughput / rate)")},
	{Clause{"P11", "RFC 2544, 26.5", Should, "System recovery from 60 s at 110 % of the throughput, averaged over repeats"},
		measured(rfc2544.NameRecovery, "recovery_time", "by the time of sending of the last lost frame")},
	{Clause{"P12", "RFC 6201, 3 and 4", Must, "Reset at the throughput, at the smallest size, after 15 s of forwarding; both methods"},
		measured(rfc2544.ResetSystem.Test(), "reset_time", "by lost frames and by time stamps")},
	{Clause{"P14", "RFC 8219, 4.2", Should, "Two devices, and runs with one alone"},
		never("left and right are one device under test; neither is measured alone: the tester has no tunnel of its own")},
	{Clause{"P15", "RFC 8219, 10.2.1", Should, "Many tunnels at once: the degradation in percent"},
		measured(rfc2544.NameScale, "throughput", "throughput of one tunnel and of many, the same flows")},
	{Clause{"P16", "RFC 8219, 10.2.2", Should, "Many tunnels, started one after the other"}, never("not measured: all start together")},
	{Clause{"P17", "RFC 5180, 7.4", Described, "Back-to-back results vary: the report has their spread"},
		backToBack("back_to_back_stddev", "the standard deviation stands beside the average")},
}

// measured returns a decision function for a clause that is met by the values of a test.
func measured(test, term, how string) func(run) Ruling {
	return func(r run) Ruling { return r.values(test, term, how) }
}

// backToBack returns a decision function for a clause about back-to-back frames. Such clauses do
// not apply to a device that forwards at the maximum rate.
func backToBack(term, how string) func(run) Ruling {
	return func(r run) Ruling {
		all := r.of(rfc2544.NameBackToBack)
		needless := func(res *result.Result) bool { return res.Valid && len(res.Values) == 0 }
		if len(all) > 0 && !slices.ContainsFunc(all, func(res *result.Result) bool { return !needless(res) }) {
			return notApplicable("the throughput is the maximum rate at every size")
		}
		return r.values(rfc2544.NameBackToBack, term, how)
	}
}
