// Package dut starts and stops the tunnels under test. Each tunnel has one file. A device under
// test is the pair of network namespaces left and right with a tunnel between them. The devices
// wire, plain, relay and shaped have no tunnel. They calibrate the tester.
//
//	Parse("vxlan") ─► Device ─► Up(Env) ─► Session ─► Close
//
// The package creates kernel tunnels with netlink calls. All other tunnels follow the contract
// for exec:PATH (TB_CONTRACT=1, docs/exec.md), including the tunnels that are built into this
// program. The contract starts one process inside left and one inside right. Each process
// creates an interface named TB_DEV that carries IP packets to the other side. The process stays
// in the foreground until SIGTERM. The lab does the rest.
//
// To add a built-in tunnel, add a file with its Tunnel here, and a file with what its processes do
// in package role. To test any other tunnel, write one script.
package dut
