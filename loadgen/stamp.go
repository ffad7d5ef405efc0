package loadgen

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// stamper writes one stream's frames into buffers that hold its template: a
// device may do what it likes with the kernel's copy, the buffer stays as it
// was, so only what differs from frame to frame is written.
type stamper struct {
	layout
	signature signature.Signature // trial and stream
	template  []byte
	flows     []flow
	buffers   [][]byte
}

// newStamper makes batch buffers for the plan's stream i.
func newStamper(p Plan, i int, trial uint16, batch int) (*stamper, error) {
	template, flows, err := p.frames(i, int(trial))
	if err != nil {
		return nil, err
	}
	s := &stamper{
		layout: p.Streams[i].layout(), template: template, flows: flows,
		signature: signature.Signature{Trial: trial, Stream: uint8(p.first() + i)}, buffers: make([][]byte, batch),
	}
	slab := make([]byte, 0, batch*len(template))
	for b := range s.buffers {
		at := len(slab)
		slab = append(slab, template...)
		s.buffers[b] = slab[at:len(slab):len(slab)]
	}
	return s, nil
}

// write makes frame the one with that number, sent at now. The flows take turns.
func (s *stamper) write(frame []byte, sequence, now uint64) {
	f := &s.flows[sequence%uint64(len(s.flows))]
	copy(frame[s.head:s.head+s.headLen], f.head[:])
	stamp := s.signature
	stamp.Sequence, stamp.SentAt = uint32(sequence), now
	stamp.Put(frame[s.payload:])
	sum := uint32(f.udpSum) + uint32(stamp.Check()) + sum32(stamp.Sequence) + sum32(uint32(now>>32)) + sum32(uint32(now))
	check := ^foldSum(sum)
	if check == 0 {
		check = 0xffff // RFC 768: 0 means none
	}
	binary.BigEndian.PutUint16(frame[s.payload-2:], check)
}

// sum32 is the sum of both halves of v; where v's octets lie at an even offset
// of the payload they are words of the checksum.
func sum32(v uint32) uint32 { return v>>16 + v&0xffff }
