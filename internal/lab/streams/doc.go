// Package streams measures TCP through a device: goodput, request and response, connection rate, and
// CPU time per byte.
//
//	Open ─► Hosts: a client and a server behind the device's ends
//	          │
//	          └─ Measure(plan): server and client as processes (process.go), meters around the
//	             window (meters.go) ─► Stream: values, what limited them, valid or not
//
// Run repeats every kind of measurement and combines the repeats into one result.
package streams
