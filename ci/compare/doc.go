// Package compare measures devices in turns, so that changes of the machine's speed affect all
// devices alike.
//
//	Pilot ──► one overload and one light load for all devices
//	  │
//	rounds: each device once, in random order, freshly brought up
//	  │         Turn ──► forwarding rate, CPU per frame, latency, ...
//	  ▼
//	Judge ──► ratio of each device to the first, pair by pair, with an interval
//
// The gate measures its pairs with the same pilot and turns.
package compare
