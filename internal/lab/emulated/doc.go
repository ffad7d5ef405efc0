// Package emulated counts the instructions that a device executes for a frame, exactly. It boots a
// kernel of the distribution under QEMU, in an emulated machine with one core whose clock is the
// number of executed instructions (-icount). The same build gives the same number on an idle host
// and on a busy one.
//
//	Job ──► initrd: this program as /init, modules, devices ──► QEMU ──► guest: network, device, closed loop
//	Report ◄────────────── marked lines on the serial console ◄────────────┘
//
// The numbers compare a tunnel with itself, before and after a change. They do not rank tunnels: an
// emulated machine has no caches, no overlap of memory accesses and no second core, and a vector
// instruction costs as much as any other.
package emulated
