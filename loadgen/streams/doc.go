// Package streams measures what TCP makes of a path: a client and a server on
// plain sockets over the kernel's own TCP, in processes of their own.
//
//	Plan ─► Run (client), Serve (server) ─► Result of each end ─► Add
//
// Bulk connections carry as much as they can; transactions are a request and a
// response each, on one connection (rr) or with a connection each (crr).
package streams
