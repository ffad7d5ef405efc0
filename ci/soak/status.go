//go:build linux

package main

import (
	"slices"
	"syscall"
)

// requests are the signals by which users, terminals and service managers end a program.
var requests = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// The exit statuses of the program, and those of a shell for a program that a signal has ended.
const (
	fine      = 0
	badInput  = 2
	finding   = 3
	noVerdict = 4
	noMachine = 5
	bySignal  = 128
)

// allowed returns the exit statuses that a step may have. Status 1, an internal error, is never one.
func (s step) allowed() []int {
	all := []int{fine}
	if !s.verb.local {
		all = append(all, noVerdict) // a noisy machine
	}
	if !s.verb.local && !s.sound {
		all = append(all, badInput, finding) // a script's fault is its author's
	}
	if s.verb.name == "certify" || s.verb.name == "gate" {
		all = append(all, finding, noMachine) // a machine outside of its budget, or too noisy
	}
	switch s.event.name {
	case signalled:
		all = append(all, noVerdict)
	case twice:
		all = append(all, noVerdict, bySignal+int(requests[s.event.number]))
	case killed:
		all = append(all, bySignal+int(syscall.SIGKILL))
	case fullOut, fullTemp, limited, collision, fullStdout, noReader:
		all = append(all, noMachine, noVerdict)
	}
	if s.event.name == limited && limits[s.event.number] == "-t 2" {
		all = append(all, bySignal+int(syscall.SIGKILL)) // at the hard limit
	}
	slices.Sort(all)
	return slices.Compact(all)
}
