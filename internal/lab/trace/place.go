package trace

import (
	"github.com/cilium/ebpf"

	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// place is a point with what its program has to know.
type place struct {
	waterfall.Point
	index   int  // of the interface
	header  int  // octets before the IP header
	process bool // the device has a process on this node
	relay   bool // a process forwards copies of the frames, and the kernel drops the frames themselves
}

// maxPlaces is the number of points that trace.c has room for.
const maxPlaces = 64

// snapLen is the number of octets of a packet that a capture has; trace.c has the same number.
const snapLen = 256

// options of a tracer.
type options struct {
	room      int  // events
	snaps     bool // note what a capture has
	ipv6      bool
	processes bool     // a process of the device may read packets
	without   []string // tracepoints to do without
}

// chainer is the tester's engine.
type chainer interface{ Chain(*ebpf.Program) error }
