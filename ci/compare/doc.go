// Package compare measures devices in turns, so that a machine whose speed
// moves does not decide which of them is faster.
//
//	Pilot ──► one overload and one light load for all devices
//	  │
//	rounds: each device once, in random order, freshly brought up
//	  │         Turn ──► forwarding rate, CPU per frame, latency, ...
//	  ▼
//	Judge ──► ratio of each device to the first, pair by pair, with an interval
//
// The gate measures its pairs with the same pilot and the same turns.
package compare
