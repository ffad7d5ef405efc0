// Package mlrsearch is Multiple Loss Ratio search (RFC 9971): it searches the highest loads
// at which a system under test meets one or several goals, such as "no loss" (NDR) and "at most
// 0.5 % loss" (PDR), with as few trials as it can.
//
//	              +------------------------ Config ------------------------+
//	              | goals: loss ratio, exceed ratio, durations, width      |
//	              | loads: min, max, hint                                  |
//	              +--------------------------+-----------------------------+
//	                                         v
//	                  initial trials: hint, or max -> what it forwarded
//	                                         |
//	      +----------------------------------+
//	      v                                                        no goal wants more
//	each selector proposes a load; the lowest load is measured -+-------------------> Found:
//	      ^                                                     |                bounds and conditional
//	      |                                                     v                throughput of each goal
//	classify its load  <--  Result: loss ratio, valid?  <--  Measurer.Measure(load, duration)
//
// A load is a lower bound for a goal when the goal is met whatever further trials
// show, an upper bound when it is missed whatever they show, and undecided before that. A device
// whose loss changes from trial to trial is thus measured until the goal's duration sum is
// reached. The classification is exact: durations are integers, the exceed ratio
// is a fraction, and ties count as the RFC says.
//
// Search measures. Evaluate classifies trials that were measured before, such as those that
// ReadReplay reads. Nothing is random: equal devices get equal trials. Loads are
// plain numbers, in frames, packets or bits per second or in requests per minute.
//
// The package needs the standard library only. Its functions may be called concurrently.
package mlrsearch
