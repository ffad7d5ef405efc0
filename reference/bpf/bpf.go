// Package bpf holds the BPF programs of the reference tunnel: their C source and the objects generated
// from it. The objects are committed, so that users need no clang.
//
//	port.c     chooses the frames of a LAN interface that the tunnel carries
//	filter.c   chooses the datagrams that the underlay socket accepts
package bpf

//go:generate go tool bpf2go -target bpfel,bpfeb Port port.c
//go:generate go tool bpf2go -target bpfel,bpfeb Filter filter.c
