// Package bpf holds the in-kernel half of the tracing of frames: the C source and the objects
// generated from it, which are committed so that users need no clang.
//
//	trace.c   notes when a frame passes an interface, is read by a process, or is dropped
package bpf

//go:generate go tool bpf2go -target bpfel,bpfeb -type event -type place -type side Trace trace.c
