package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/show"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var trialClauses = []clause{
	{"T1", "RFC 2544, 13 and 23a", levelMust, "Routes are sent at the start of each trial", always(deviates("routes are static and set when the device is brought up"))},
	{"T2", "RFC 2544, 23b", levelDescribed, "Learning frames before the trial", always(deviates("neighbours are permanent entries: there is nothing to learn"))},
	{"T3", "RFC 2544, 23c", levelDescribed, "The number of frames is known before and checked after", func(e *evidence) ruling {
		short := 0
		_, trials := e.sum(func(o *rfc2544.Observation) uint64 {
			if o.Offered < o.Intended {
				short++
			}
			return 0
		})
		return met(fmt.Sprintf("floor(rate x time); in %d of %d trials the tester fell short, and none of those counts", short, trials), "details")
	}},
	{"T4", "RFC 2544, 23d", levelDescribed, "Receiving goes on for 2 s after the last frame", func(e *evidence) ruling {
		limit, err := time.ParseDuration(e.option("late"))
		switch {
		case err == nil:
		case slices.Contains([]string{"standard", "full"}, e.r.Profile):
			limit = rfc2544.ReceiveWindow
		default:
			limit = 50 * time.Millisecond
		}
		text := "a frame counts as lost when it takes longer than " + show.Span(limit) + "; receiving ends once all are back, or nothing came for that long"
		if limit < rfc2544.ReceiveWindow {
			return deviates(text)
		}
		return met(text, "method")
	}},
	{"T5", "RFC 2544, 23e", levelDescribed, "Five seconds of rest before the next trial", func(e *evidence) ruling {
		switch e.r.Profile {
		case "full":
			return met("5 s", "method")
		case "standard":
			return deviates("0.5 s, and 2 s between bursts of the back-to-back test")
		}
		return deviates("none")
	}},
	{"T6", "RFC 2544, 24", levelShould, "Trials of 60 s at least for what is reported", (*evidence).minutes},
	{"T7", "RFC 2544, 10", levelShould, "Only real, forwarded test frames are counted, and the length of each is checked",
		always(met("signature, trial number, length and payload of every frame are checked", "details"))},
	{"T8", "RFC 2544, 10", levelShould, "Lost, reordered, duplicated frames and gaps in the numbering are told", func(e *evidence) ruling {
		gaps, trials := e.sum(func(o *rfc2544.Observation) uint64 { return o.OutOfSequence })
		return met(fmt.Sprintf("for every trial and direction; %d gaps in %d trials", gaps, trials), "details")
	}},
	{"T9", "RFC 2889, 5.1.3", levelShould, "All ports start within 1 % of the trial",
		always(met("one schedule sends both streams, half an interval apart", "method"))},
	{"T10", "RFC 2285, 3.5", levelMust, "Intended and offered load are kept apart", func(e *evidence) ruling {
		return met("both stand with every trial; what was not sent is never counted as offered; MOL is measured on the wire", "details")
	}},
}

// minutes judges by the lengths of the trials and by what the tests say.
func (e *evidence) minutes() ruling {
	var short []string
	for i := range e.r.Results {
		res := &e.r.Results[i]
		for k := range res.Values {
			name := res.Values[k].Name
			_, goal := strings.CutSuffix(name, rfc2544.Short)
			if goal || res.Test == rfc2544.NameRate || res.Test == rfc2544.NameLatency {
				short = append(short, strictjson.Clean(res.Test))
				break
			}
		}
	}
	slices.Sort(short)
	if short = slices.Compact(short); len(short) > 0 {
		return deviates("shorter trials: "+strings.Join(short, ", "), "details")
	}
	return met("every value rests on trials of 60 s or more", "details")
}

var procedureClauses = []clause{
	{"P1", "RFC 2544, 26.1", levelShould, "Throughput: the highest rate at which nothing is lost, in trials of 60 s; a graph over the sizes with the maximum rate", func(e *evidence) ruling {
		return e.test(rfc2544.NameThroughput, "throughput", "measured; the graph has R and the tester's own limit")
	}},
	{"P2", "RFC 2544, 26.2", levelMust, "Latency at the throughput: a tagged frame, at least 20 times, averaged; the definition is told", func(e *evidence) ruling {
		return e.test(rfc2544.NameDelay, "latency", "average of 20 runs; store-and-forward devices (RFC 1242, 3.8)")
	}},
	{"P3", "RFC 1242, 3.8", levelDescribed, "Where the time stamps are taken",
		always(met("sending: when the frame is handed to the port; arrival: in the port's receive hook (xdp), or by the kernel (afpacket)", "method"))},
	{"P4", "RFC 8219, 7.2", levelShould, "Typical and worst case latency: 500 tagged frames or more, 20 runs, medians", func(e *evidence) ruling {
		return e.test(rfc2544.NameDelay, "latency_typical", "measured")
	}},
	{"P5", "RFC 2330, 11.3", levelShould, "A percentile is the smallest x with F(x) >= p; N is told",
		always(met("no interpolation; the number of samples stands with every distribution", "method"))},
	{"P6", "RFC 8219, 7.3.1", levelShould, "Packet delay variation of all frames, streams of 60 s, 20 runs", func(e *evidence) ruling {
		return e.test(rfc2544.NameDelay, "pdv", "measured")
	}},
	{"P7", "RFC 8219, 7.3.2", levelDescribed, "Inter-packet delay variation, signed, 20 runs", func(e *evidence) ruling {
		return e.test(rfc2544.NameDelay, "ipdv_", "measured on all frames")
	}},
	{"P8", "RFC 2544, 26.3", levelShould, "Frame loss rate from 100 % of the maximum rate down, by steps of 10 % at most, until two loads lose nothing", func(e *evidence) ruling {
		return e.test(rfc2544.NameLossRate, "frame_loss_rate", "measured")
	}},
	{"P9", "RFC 9004, 5", levelMust, "Back-to-back frames where the throughput is below the maximum rate: a binary search, N times", (*evidence).backToBack},
	{"P10", "RFC 9004, 6.4", levelDescribed, "The corrected buffer time", func(e *evidence) ruling {
		return e.test(rfc2544.NameBackToBack, "buffer_time", "burst / rate x (1 - throughput / rate)")
	}},
	{"P11", "RFC 2544, 26.5", levelShould, "System recovery from 60 s at 110 % of the throughput, averaged over repeats", func(e *evidence) ruling {
		return e.test(rfc2544.NameRecovery, "recovery_time", "by the time of sending of the last lost frame")
	}},
	{"P12", "RFC 6201, 3 and 4", levelMust, "Reset at the throughput, at the smallest size, after 15 s of forwarding; both methods", func(e *evidence) ruling {
		return e.test(rfc2544.ResetSystem.Test(), "reset_time", "by lost frames and by time stamps")
	}},
	{"P13", "RFC 6201, 4", levelMust, "What is reset is told: process, software, power", (*evidence).resets},
	{"P14", "RFC 8219, 4.2", levelShould, "Two devices, and runs with one alone", always(deviates("left and right are one device under test; neither is measured alone: the tester has no tunnel of its own"))},
	{"P15", "RFC 8219, 10.2.1", levelShould, "Many tunnels at once: the degradation in percent", func(e *evidence) ruling {
		return e.test(rfc2544.NameScale, "throughput", "throughput of one tunnel and of many, the same flows")
	}},
	{"P16", "RFC 8219, 10.2.2", levelShould, "Many tunnels, started one after the other", always(deviates("not measured: all start together"))},
	{"P17", "RFC 5180, 7.4", levelDescribed, "Back-to-back results vary: their spread is told", func(e *evidence) ruling {
		return e.test(rfc2544.NameBackToBack, "back_to_back_stddev", "the standard deviation stands beside the average")
	}},
}

// backToBack leaves out devices for which the test is not.
func (e *evidence) backToBack() ruling {
	excluded := 0
	all := e.results(rfc2544.NameBackToBack)
	for _, res := range all {
		if res.Valid && len(res.Values) == 0 {
			excluded++
		}
	}
	if excluded > 0 && excluded == len(all) {
		return notApplicable("the throughput is the maximum rate at every size")
	}
	return e.test(rfc2544.NameBackToBack, "back_to_back", "N and the search's parameters stand with the result")
}

func (e *evidence) resets() ruling {
	var done []string
	for _, kind := range rfc2544.ResetKinds() {
		for _, res := range e.results(kind.Test()) {
			if len(res.Values) > 0 && !slices.Contains(done, string(kind)) {
				done = append(done, string(kind))
			}
		}
	}
	if len(done) == 0 {
		return notApplicable("no reset was measured")
	}
	return met("measured: "+strings.Join(done, ", ")+". Process: killed and started again; system: the whole device, networks and all, built anew; power: the same after 15 s away", rfc2544.ResetSystem.Test())
}
