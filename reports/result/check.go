package result

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Check returns an error if the numbers of r contradict each other: frame counts must balance,
// percentiles must be sorted, lower bounds must not exceed upper bounds, and all numbers must be
// finite. The error is one line that begins with a JSON pointer.
func Check(r *Results) error {
	for i := range r.Results {
		where := "/results/" + strconv.Itoa(i)
		res := &r.Results[i]
		for j, v := range res.Values {
			if why := valueFault(v); why != "" {
				return strictjson.At(fmt.Sprintf("%s/values/%d", where, j), why)
			}
		}
		for j := range res.Trials {
			if place, why := trialFault(&res.Trials[j]); why != "" {
				return strictjson.At(fmt.Sprintf("%s/trials/%d%s", where, j, place), why)
			}
		}
	}
	if err := checkCertificate(r.Certificate, "/certificate"); err != nil {
		return err
	}
	if err := checkCounts(r.Counts, "/counts"); err != nil {
		return err
	}
	if err := checkComparison(r.Comparison); err != nil {
		return err
	}
	if r.Ended.Before(r.Started) {
		return strictjson.At("/ended", "is before /started")
	}
	return nil
}

// CheckTrial checks the numbers of a single trial, as Check does.
func CheckTrial(o rfc2544.Observation) error {
	if place, why := trialFault(&o); why != "" {
		return strictjson.At(place, why)
	}
	return nil
}

func valueFault(v rfc2544.Value) string {
	name := strictjson.Quote(v.Name)
	switch {
	case !Finite(&v.Value) || !Finite(v.Lower) || !Finite(v.Upper):
		return name + " is not a number"
	case v.Unit == "":
		return name + " has no unit"
	case v.Unit == "fps" && (v.Value < 0 || v.Lower != nil && *v.Lower < 0):
		return name + " is a negative rate"
	case v.Lower != nil && v.Upper != nil && *v.Lower > *v.Upper:
		return name + ": lower bound is above the upper one"
	case v.N < 0:
		return name + ": n is negative"
	}
	return ""
}

// Finite reports whether v is nil or a finite number.
func Finite(v *float64) bool {
	return v == nil || !math.IsNaN(*v) && !math.IsInf(*v, 0)
}

// trialFault returns the place and the description of a fault in a trial.
func trialFault(o *rfc2544.Observation) (place, why string) {
	load := float64(o.IntendedLoad)
	switch {
	case math.IsNaN(load) || load < 0:
		return "/intended_fps", "is not a load"
	case o.Received > o.Offered || o.Lost != o.Offered-o.Received:
		return "", fmt.Sprintf("ledger does not balance: offered %d is not received %d + lost %d", o.Offered, o.Received, o.Lost)
	case o.Late > o.Lost:
		return "/late", fmt.Sprintf("%d late frames, but only %d lost ones to count them in", o.Late, o.Lost)
	case o.Clean != nil && (o.Clean.Received > o.Clean.Offered || o.Clean.Offered > o.Offered):
		return "/clean", fmt.Sprintf("%d of %d frames, of %d offered in all, do not balance", o.Clean.Received, o.Clean.Offered, o.Offered)
	case o.Duration < 0 || o.Paused < 0:
		return "", "has a negative duration"
	case !Finite(o.CPUPerFrame):
		return "/cpu_ns_per_frame", "is not a number"
	case !Finite(o.ProcessCPU):
		return "/process_cpu_ns_per_frame", "is not a number"
	case !Finite(o.UserCPU):
		return "/user_cpu_ns_per_frame", "is not a number"
	case !Finite(o.CoreSpeed):
		return "/core_speed", "is not a number"
	}
	if slices.ContainsFunc(o.Drops, func(d rfc2544.Drop) bool { return d.Frames < 0 }) {
		return "/drops", "has a counter that went back"
	}
	if slices.ContainsFunc(o.Stalls, func(s rfc2544.Stall) bool { return s.At < 0 || s.Length < 0 }) {
		return "/stalls", "has a negative time"
	}
	if place, why := directionsFault(o); why != "" {
		return "/directions" + place, why
	}
	return distributionFault(map[string]*rfc2544.Distribution{
		"/lateness_ns": o.Lateness, "/latency_ns": o.Latency, "/latency_quiet_ns": o.LatencyQuiet,
	})
}

// directionsFault returns a fault if the frame counts of the directions do not balance, each alone
// or in sum.
func directionsFault(o *rfc2544.Observation) (place, why string) {
	if len(o.Directions) == 0 {
		return "", ""
	}
	if len(o.Directions) != 2 || o.Directions[0].Direction == o.Directions[1].Direction {
		return "", "are not two different ones"
	}
	var sum rfc2544.Counts
	for i, d := range o.Directions {
		at := "/" + strconv.Itoa(i)
		switch {
		case d.Received > d.Offered || d.Lost != d.Offered-d.Received:
			return at, fmt.Sprintf("ledger does not balance: offered %d is not received %d + lost %d", d.Offered, d.Received, d.Lost)
		case d.Late > d.Lost:
			return at + "/late", fmt.Sprintf("%d late frames, but only %d lost ones to count them in", d.Late, d.Lost)
		}
		if place, why := distributionFault(map[string]*rfc2544.Distribution{"/latency_ns": d.Latency, "/latency_quiet_ns": d.LatencyQuiet}); why != "" {
			return at + place, why
		}
		sum.Add(d.Counts)
	}
	if sum != o.Counts {
		return "", fmt.Sprintf("do not add up to the trial: %+v, but %+v", sum, o.Counts)
	}
	return "", ""
}

func distributionFault(all map[string]*rfc2544.Distribution) (place, why string) {
	for _, place := range slices.Sorted(maps.Keys(all)) {
		if d := all[place]; d != nil && !ordered(d) {
			return place, "percentiles are not in order"
		}
	}
	return "", ""
}

func ordered(d *rfc2544.Distribution) bool {
	return 0 <= d.Min && d.Min <= d.P50 && d.P50 <= d.P90 && d.P90 <= d.P99 && d.P99 <= d.P999 && d.P999 <= d.Max
}
