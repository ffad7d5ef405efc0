package trace

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/reports/capture"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// Capture is what the frames of a trace did one by one.
type Capture struct {
	joined
	events     []event
	snaps      io.ReaderAt // snapLen octets for each event; nil: none were asked for
	places     []place
	ways       []path        // of each direction
	directions []string      // of the trial
	epoch      time.Duration // from the clock of the events to that of the wall
	nameOf     func(uint32) string
}

// Frames returns all followed frames by the number of their direction, in order of sequence numbers.
func (c Capture) Frames() iter.Seq2[int, waterfall.Picked] {
	return func(yield func(int, waterfall.Picked) bool) {
		begin := first(c.frames)
		for i, direction := range c.directions {
			for _, f := range c.of(direction) {
				if !yield(i, shown(f, c.ways[i], begin, c.nameOf)) {
					return
				}
			}
		}
	}
}

// owned is an event of a capture with the frame that it belongs to; nil: nobody knows.
type owned struct {
	event
	index int
	frame *frame
	last  bool // the frame is lost, and this is its last packet
}

// WritePcap writes each packet at each interface, as pcapng with an interface for each of the trace's (Ethernet, or IP for
// devices without a link layer). A comment says which frame it is, and why it was lost after this point. After an error the
// octets written so far can be read.
func (c Capture) WritePcap(w io.Writer) error {
	interfaces, numbers := c.interfaces()
	out, err := capture.NewWriter(w, interfaces, nil)
	if err != nil {
		return err
	}
	snap := make([]byte, snapLen)
	for _, o := range c.owned() {
		number, ok := numbers[int(o.point)]
		if !ok || o.kind != seen && o.kind != hidden {
			continue
		}
		if _, err := c.snaps.ReadAt(snap, int64(o.index)*snapLen); err != nil {
			return err
		}
		data := packetOf(snap, o.event, c.places[o.point].header)
		err := out.Packet(capture.Packet{
			Interface: number, Time: time.Unix(0, int64(o.time)+int64(c.epoch)), Inbound: c.places[o.point].Kind != waterfall.Out,
			Data: data, OriginalLength: max(len(data), int(o.detail)), Comment: c.remark(o),
		})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// interfaces returns the interfaces of the network, and the number of the one of each point: both directions of one are one.
func (c Capture) interfaces() (interfaces []capture.Interface, numbers map[int]int) {
	numbers = map[int]int{}
	for point, p := range c.places {
		if p.Kind == waterfall.Taken {
			continue // the tester takes frames before they are packets
		}
		about := capture.Interface{Name: p.Node + " " + p.Interface, Description: p.Device, LinkType: capture.Ethernet}
		if p.header == 0 {
			about.LinkType = capture.RawIP
		}
		number := slices.Index(interfaces, about)
		if number < 0 {
			number = len(interfaces)
			interfaces = append(interfaces, about)
		}
		numbers[point] = number
	}
	return interfaces, numbers
}

// owned returns the events in order of time.
func (c Capture) owned() []owned {
	list := make([]owned, len(c.events))
	for i, e := range c.events {
		list[i] = owned{event: e, index: i}
	}
	for _, f := range c.frames {
		latest, arrived := pass{at: -1, snap: -1}, false
		for _, p := range f.passes {
			arrived = arrived || pointOf(p.point, c.places).Kind == waterfall.Taken
			if p.snap < 0 {
				continue
			}
			list[p.snap].frame = f
			if p.at > latest.at {
				latest = p
			}
		}
		if latest.snap >= 0 {
			list[latest.snap].last = !arrived
		}
	}
	slices.SortStableFunc(list, func(a, b owned) int { return cmp.Compare(a.time, b.time) })
	return list
}

// remark returns the comment of a packet; empty: nobody knows whose it is.
func (c Capture) remark(o owned) string {
	if o.frame == nil {
		return ""
	}
	text := fmt.Sprintf("stream %d, sequence number %d, %d ns after it was sent", o.frame.stream, o.frame.seq, int64(o.time)-o.frame.sent)
	if o.kind == seen {
		text = fmt.Sprintf("trial %d, ", o.trial) + text
	} else {
		text += " (inferred)"
	}
	if o.last {
		text += "; lost after this point: " + lossName(o.frame, c.nameOf)
	}
	return text
}

// packetOf returns the octets of an event's packet. A segment of a super-packet has the lengths and the checksum of the whole:
// they become its own, and UDP's checksum, which nobody can know, becomes none.
func packetOf(snap []byte, e event, header int) []byte {
	length := min(len(snap), int(e.detail))
	if e.segment > 1 {
		length = min(length, len(snap)/2) // the rest is of the segments before it
	}
	data := slices.Clone(snap[:length])
	ip := data[min(header, len(data)):]
	if e.segment == 0 || len(ip) < 28 {
		return data
	}
	length = int(e.detail) - header
	switch {
	case ip[0]>>4 == 4:
		binary.BigEndian.PutUint16(ip[2:], uint16(length))
		ip[10], ip[11] = 0, 0
		binary.BigEndian.PutUint16(ip[10:], ^checksum.Fold(checksum.Sum(ip[:20], 0)))
		setUDP(ip[9], ip[20:], length-20)
	case ip[0]>>4 == 6 && len(ip) >= 48:
		binary.BigEndian.PutUint16(ip[4:], uint16(length-40))
		setUDP(ip[6], ip[40:], length-40)
	}
	return data
}

func setUDP(protocol byte, udp []byte, length int) {
	if protocol != byte(layers.IPProtocolUDP) {
		return
	}
	binary.BigEndian.PutUint16(udp[4:], uint16(length))
	udp[6], udp[7] = 0, 0
}

// WritePcapFile is WritePcap into a file. On a full disk, what is there stays.
func (c Capture) WritePcapFile(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = errors.Join(c.WritePcap(file), file.Close())
	if err != nil {
		return fmt.Errorf("%s: what could be written can be read: %w", path, err)
	}
	return nil
}
