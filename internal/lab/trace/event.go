package trace

import (
	"encoding/binary"
	"unsafe"

	"github.com/tunnelbench/tunnelbench/internal/lab/trace/bpf"
)

// kind is what an event says; trace.c has the same numbers.
type kind uint8

const (
	seen    kind = iota + 1 // a frame passes a point
	hidden                  // a packet passes a point, and its frame is sealed
	read                    // a process reads the packet
	dropped                 // the kernel drops the packet
)

// event is struct event of trace.c.
type event struct {
	time     uint64 // CLOCK_MONOTONIC, ns
	skb      uint64 // address of the packet's sk_buff
	seq      uint32 // sequence number of the frame; of a hidden one WireGuard's counter
	age      uint32 // ns since the tester sent the frame; noAge: not known
	detail   uint32 // octets of the packet, thread, or drop reason
	receiver uint32 // of a hidden one WireGuard's receiver index
	trial    uint16
	point    uint16
	segment  uint16 // place in a super-packet, from 1; 0: it is none
	stream   uint8
	kind     kind
}

const noAge = ^uint32(0)

const eventLen = int(unsafe.Sizeof(bpf.TraceEvent{}))

// decode reads one event as it lies in the kernel's memory.
func decode(b []byte) event {
	_ = b[eventLen-1]
	n := binary.NativeEndian
	var e bpf.TraceEvent
	return event{
		time: n.Uint64(b[unsafe.Offsetof(e.Time):]), skb: n.Uint64(b[unsafe.Offsetof(e.Skb):]),
		seq: n.Uint32(b[unsafe.Offsetof(e.Seq):]), age: n.Uint32(b[unsafe.Offsetof(e.Age):]), detail: n.Uint32(b[unsafe.Offsetof(e.Detail):]),
		receiver: n.Uint32(b[unsafe.Offsetof(e.Receiver):]),
		trial:    n.Uint16(b[unsafe.Offsetof(e.Trial):]), point: n.Uint16(b[unsafe.Offsetof(e.Point):]), segment: n.Uint16(b[unsafe.Offsetof(e.Segment):]),
		stream: b[unsafe.Offsetof(e.Stream)], kind: kind(b[unsafe.Offsetof(e.Kind)]),
	}
}
