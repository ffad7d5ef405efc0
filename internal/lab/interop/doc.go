// Package interop tries implementations of WireGuard on each other: every pair of ends, each on
// either side, through the checks of a table. What passes between the ends goes through sockets of
// the tester where a check has to see it (Road).
//
//	client ─ left ═══ road ═══ right ─ server
//
// Run builds a network for each check, so that many of them wait at the same time.
package interop
