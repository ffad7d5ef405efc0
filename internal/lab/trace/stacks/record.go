package stacks

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// sample is what one core was doing at one moment. Frames are addresses of code, from the innermost function to the outermost.
type sample struct {
	pid, tid     int
	kernel, user []uint64
}

// What perf_event_open(2) says of a record: a header of type (32 bits), flags and length (16 bits each); in a sample then process and
// thread (32 bits each), the number of addresses (64 bits), and the addresses. Numbers that are no addresses say whose follow.
const (
	recordHeader = 8
	recordSample = 9
	sampleHead   = recordHeader + 16
	contexts     = ^uint64(4095) + 1
	kernelFrames = ^uint64(128) + 1
	userFrames   = ^uint64(512) + 1
)

// samplesOf yields the samples among records. It ends with an error at a record whose lengths contradict each other.
func samplesOf(records []byte) iter.Seq2[sample, error] {
	return func(yield func(sample, error) bool) {
		n := binary.NativeEndian
		for at := 0; at < len(records); {
			left := records[at:]
			if len(left) < recordHeader || int(n.Uint16(left[6:])) < recordHeader || int(n.Uint16(left[6:])) > len(left) {
				yield(sample{}, fmt.Errorf("record at octet %d of %d: its length is wrong", at, len(records)))
				return
			}
			record := left[:n.Uint16(left[6:])]
			at += len(record)
			if n.Uint32(record) != recordSample {
				continue
			}
			s, ok := sampleOf(record)
			if !ok {
				yield(s, fmt.Errorf("sample that ends at octet %d: more frames than octets", at))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

func sampleOf(record []byte) (s sample, ok bool) {
	n := binary.NativeEndian
	if len(record) < sampleHead {
		return s, false
	}
	s.pid, s.tid = int(int32(n.Uint32(record[8:]))), int(int32(n.Uint32(record[12:])))
	frames := record[sampleHead:]
	count := n.Uint64(record[16:])
	if count > uint64(len(frames)/8) {
		return s, false
	}
	var into *[]uint64
	for i := range count {
		switch address := n.Uint64(frames[8*i:]); {
		case address == kernelFrames:
			into = &s.kernel
		case address == userFrames:
			into = &s.user
		case address >= contexts: // a virtual machine's
			into = nil
		case into != nil:
			*into = append(*into, address)
		}
	}
	return s, true
}
