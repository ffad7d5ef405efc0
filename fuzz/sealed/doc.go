// Package sealed contains fuzz targets of the sealed tunnel: WireGuard's messages and sessions, the routing table,
// what lies in a sealed packet, and the reader of wg-quick files.
//
// Mutations of a sealed message die at its tag. So the harnesses hold the keys of all ends: they sign what the engine
// made with mac1, and seal it under a live session.
package sealed
