package afpacket

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// stamper writes the frames of a stream into buffers. Each buffer starts as a copy of the stream's
// template. The kernel copies a frame when the tester sends it, so the buffer does not change.
// Therefore stamper writes only the fields that differ between frames.
type stamper struct {
	loadgen.Layout
	signature signature.Signature // trial and stream of the frames
	template  []byte
	flows     []loadgen.Flow
	buffers   [][]byte
}

// newStamper returns a stamper with batch buffers for the plan's stream i.
func newStamper(p loadgen.Plan, i int, trial uint16, batch int) (*stamper, error) {
	template, flows, err := p.StreamFrames(i, int(trial))
	if err != nil {
		return nil, err
	}
	s := &stamper{
		Layout: p.Streams[i].Layout(), template: template, flows: flows,
		signature: signature.Signature{Trial: trial, Stream: uint8(p.First() + i)}, buffers: make([][]byte, batch),
	}
	slab := make([]byte, 0, batch*len(template))
	for b := range s.buffers {
		at := len(slab)
		slab = append(slab, template...)
		s.buffers[b] = slab[at:len(slab):len(slab)]
	}
	return s, nil
}

// write writes the frame with the number sequence and the send time now (CLOCK_MONOTONIC, ns) to
// frame. Consecutive frames use the flows in turn.
func (s *stamper) write(frame []byte, sequence, now uint64) {
	f := &s.flows[sequence%uint64(len(s.flows))]
	copy(frame[s.Head:s.Head+s.HeadLen], f.Head[:])
	stamp := s.signature
	stamp.Sequence, stamp.SentAt = uint32(sequence), now
	stamp.Put(frame[s.Payload:])
	sum := uint64(f.UDPSum) + uint64(stamp.Check()) + uint64(stamp.Sequence) + now>>32 + now&0xffffffff
	check := ^checksum.Fold(sum)
	if check == 0 {
		check = 0xffff // RFC 768: a checksum of 0 means no checksum
	}
	binary.BigEndian.PutUint16(frame[s.Payload-2:], check)
}
