// Package bpf holds the in-kernel half of the tester: its C source, the objects
// generated from it (committed, so that users need no clang) and the Go shape
// of the memory both halves share.
//
//	tester.c   sender, receivers and the canary
//	fault.c    a fault made on purpose: it takes a core away for a while
package bpf

//go:generate go tool bpf2go -target bpfel,bpfeb Tester tester.c
//go:generate go tool bpf2go -target bpfel,bpfeb Fault fault.c
