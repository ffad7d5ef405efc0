package resulttest

import (
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Suite returns a run with every test of the RFCs at 64 bytes, with full or short trials.
func Suite(short bool) *result.Results {
	suffix, shortfalls := "", []rfc2544.Shortfall(nil)
	if short {
		suffix = rfc2544.Short
		shortfalls = []rfc2544.Shortfall{{What: rfc2544.TrialDuration, Got: "1s", Asked: "1m0s", Section: "RFC 2544 section 24"}}
	}
	mol := rfc2544.Rate(1.2e6)
	r := Fixture()
	r.Profile, r.Link = "full", rfc2544.Gigabit
	r.Calibration = []result.Calibration{{FrameSize: 64, MOL: &mol}}
	r.Conditions = result.Conditions{LossTimeout: rfc2544.ReceiveWindow, Rest: 5 * time.Second, IPVersion: 4, Flows: 1, Networks: 1}
	r.Results = nil
	add := func(test string, names ...string) {
		res := result.Result{DUT: "vxlan", Kind: result.KindPlain, Test: test, FrameSize: 64, Direction: rfc2544.Both, Valid: true, Shortfalls: shortfalls, Warnings: []string{"a remark"}}
		for i, name := range names {
			if test != rfc2544.NameRate {
				name += suffix
			}
			lower := 9e5 + float64(i)
			res.Values = append(res.Values, rfc2544.Value{Name: name, Unit: "fps", Value: 1e6 + float64(i), Lower: &lower, N: 20, Better: 1})
		}
		for _, percent := range []float64{100, 50} {
			res.Trials = append(res.Trials, suiteTrial(percent))
		}
		r.Results = append(r.Results, res)
	}
	add(rfc2544.NameRate, "ndr", "pdr")
	add(rfc2544.NameThroughput, "throughput")
	add(rfc2544.NameNetworks, "throughput_256_networks")
	add(rfc2544.NameDelay, "latency", "latency_typical", "latency_worst_case", "pdv", "ipdv_min", "ipdv_median", "ipdv_max")
	add(rfc2544.NameLossRate, "frame_loss_rate", "frame_loss_rate_100", "frame_loss_rate_50")
	add(rfc2544.NameBackToBack, "back_to_back", "back_to_back_min", "back_to_back_max", "back_to_back_stddev", "buffer_time")
	add(rfc2544.NameRecovery, "recovery_time")
	add(rfc2544.NameBursts, "burst_gap_16")
	for _, kind := range rfc2544.ResetKinds() {
		add(kind.Test(), "reset_time", "reset_time_timestamp", "reset_loss")
	}
	add(rfc2544.NameScale, "throughput_1_tunnel", "throughput_8_tunnels", "throughput_degradation")
	return r
}

// suiteTrial returns a trial at percent of the maximum rate; the device forwards half of the
// maximum rate.
func suiteTrial(percent float64) rfc2544.Observation {
	last := 5 * time.Second
	return rfc2544.Observation{
		IntendedLoad: rfc2544.Rate(percent/100) * rfc2544.Gigabit.MaxFrameRate(64),
		Counts:       rfc2544.Counts{Intended: 100, Offered: 100, Received: uint64(150 - percent), Lost: uint64(percent - 50)},
		Duration:     time.Minute, Valid: true, Drops: rfc2544.Drops{}, Stalls: []rfc2544.Stall{}, Warnings: []string{},
		Tags: []time.Duration{1000, rfc2544.TagLost}, Variation: &rfc2544.Variation{N: 1, Min: -5, Median: 0, Max: 5},
		LongestGap: &rfc2544.Gap{At: 1, Length: 2}, OutOfSequence: 3, LastLost: &last,
	}
}
