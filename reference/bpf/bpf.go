// Package bpf holds what the reference tunnel runs inside the kernel: its C
// source and the objects generated from it (committed, so that users need no
// clang).
//
//	port.c     which frames of a LAN interface are the tunnel's
//	filter.c   whose datagrams the underlay socket takes
package bpf

//go:generate go tool bpf2go -target bpfel,bpfeb Port port.c
//go:generate go tool bpf2go -target bpfel,bpfeb Filter filter.c
