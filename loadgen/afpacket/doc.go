// Package afpacket is the engine that sends and receives by packet sockets
// (packet(7)), with nothing of its own inside the kernel: for users who may not
// load BPF, for frames that XDP cannot send, and as a second opinion on the xdp
// engine. Its schedule and its receiver are those of loadgen/bpf/tester.c, in
// Go; the same tests run on both.
package afpacket
