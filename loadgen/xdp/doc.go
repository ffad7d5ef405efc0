// Package xdp is the engine that sends and receives inside the kernel. A BPF
// program (bpf/tester.c) runs by BPF_PROG_TEST_RUN in live-frames mode, Linux
// 5.18 and later: it writes each frame when it is due and redirects it to a port.
// An XDP program at the other port checks, counts and times every frame and
// drops it. Both share their memory with user space, which only reads it when
// the trial is over.
package xdp
