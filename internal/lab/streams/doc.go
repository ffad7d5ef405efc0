// Package streams measures what TCP makes of a device: goodput, request and response, connections, and
// the CPU time of a byte.
//
//	Open ─► Hosts: a client and a server behind the device's ends
//	          │
//	          └─ Measure(plan): server and client as processes (process.go), meters around the
//	             window (meters.go) ─► Stream: values, what limited them, valid or not
//
// Run repeats every kind of measurement and makes one result of them.
package streams
