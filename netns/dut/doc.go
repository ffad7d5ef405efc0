// Package dut brings tunnels under test up and takes them down again: one file
// each. A device under test is the pair of namespaces left and right with a
// tunnel between them; wire and plain have none and are there to calibrate.
//
//	Parse("vxlan") ─► Device ─► Up(Env) ─► Session ─► Close
//
// Tunnels of the kernel are made by netlink calls. All others, also those that
// are built into this program, run by the contract for exec:PATH
// (TB_CONTRACT=1): one process per side, started inside left and inside right,
// creates an interface named TB_DEV that carries IP packets to the other side
// and stays in the foreground until SIGTERM. The lab does the rest.
//
// A new tunnel of the project's own is one file with one Tunnel in it; a
// tunnel of somebody else's is one script.
package dut
