// Package bpf holds the in-kernel half of the watch for dropped packets: the C source and the
// objects generated from it, which are committed so that users need no clang.
//
//	drops.c   where and why the kernel drops packets
package bpf

//go:generate go tool bpf2go -target bpfel,bpfeb Drops drops.c
