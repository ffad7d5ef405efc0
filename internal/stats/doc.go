// Package stats has the statistics of the whole program. Its rules:
//
//   - A percentile p is the smallest value x of the sample with F(x) >= p (RFC 2330
//     section 11.3): always a value that was measured, never one between two.
//   - The median of an even number of values is the mean of the two in the middle.
//   - Devices are compared in pairs, by the ratio of two measurements taken in turns. A
//     machine that slows down slows both, and the ratio stays.
//   - The noise of such ratios has no known shape: some rounds are disturbed badly. So
//     intervals come from signed ranks (Wilcoxon), which assume only that a pair's order
//     was drawn at random, and centres from the Hodges-Lehmann estimate, which a few
//     disturbed rounds move little.
//   - A change of level in a history is a split that a permutation test finds rare.
//
// Nothing is random: what resamples or shuffles takes a seed, or has its own.
// Plain functions come from github.com/montanaflynn/stats.
package stats
