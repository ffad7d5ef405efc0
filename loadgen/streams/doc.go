// Package streams measures the performance of TCP over a path. A client and a server run in separate
// processes and use the TCP of the Linux kernel.
//
//	Plan ─► Run (client), Serve (server) ─► Result of each end ─► Add
//
// A bulk measurement sends as many bytes as possible over some connections. A transaction is a request
// and a response. The kind rr makes all transactions on one connection. The kind crr opens a new
// connection for each transaction.
package streams
