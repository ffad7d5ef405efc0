// Package bpf holds the in-kernel half of a live attack: the C source and the objects
// generated from it, which are committed so that users need no clang.
//
//	answers.c   counts the frames that the attacked end of a tunnel sends to the unknown source, by kind
package bpf

//go:generate go tool bpf2go -target bpfel,bpfeb Answers answers.c
