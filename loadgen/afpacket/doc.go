// Package afpacket is the engine that sends and receives through packet sockets (packet(7)). It
// needs no BPF program. It serves users who may not load BPF programs, and it can send frames that
// are too large for XDP. It also checks the results of the xdp engine. The schedule and the receiver
// work like those in loadgen/bpf/tester.c, and the same tests check both.
package afpacket
