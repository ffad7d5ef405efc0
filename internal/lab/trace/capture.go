package trace

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// Capture is what the frames of a trace did one by one.
type Capture struct {
	joined
	events     []event
	snaps      []byte // snapLen octets for each event; empty: none were asked for
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
// octets written so far can be read up to the last whole packet.
func (c Capture) WritePcap(w io.Writer) error {
	buffered := bufio.NewWriterSize(w, 1<<16)
	ng, ids, err := c.interfaces(buffered)
	if err != nil {
		return err
	}
	for _, o := range c.owned() {
		id, ok := ids[int(o.point)]
		if !ok || o.kind != seen && o.kind != hidden {
			continue
		}
		data := packetOf(c.snaps[o.index*snapLen:][:snapLen], o.event, c.places[o.point].header)
		info := gopacket.CaptureInfo{
			Timestamp: time.Unix(0, int64(o.time)+int64(c.epoch)), CaptureLength: len(data), Length: max(len(data), int(o.detail)), InterfaceIndex: id,
		}
		if err := ng.WritePacketWithOptions(info, data, c.remarks(o)); err != nil {
			return err
		}
	}
	if err := ng.Flush(); err != nil {
		return err
	}
	return buffered.Flush()
}

// interfaces begins the file and returns the interface of each point: both directions of one are one.
func (c Capture) interfaces(w io.Writer) (ng *pcapgo.NgWriter, ids map[int]int, err error) {
	ids = map[int]int{}
	byName := map[string]int{}
	for number, p := range c.places {
		if p.Kind == waterfall.Taken {
			continue // the tester takes frames before they are packets
		}
		name := p.Node + " " + p.Interface
		id, ok := byName[name]
		if !ok {
			about := pcapgo.NgInterface{Name: name, Description: p.Device, LinkType: layers.LinkTypeEthernet, TimestampResolution: 9}
			if p.header == 0 {
				about.LinkType = layers.LinkTypeRaw
			}
			if ng == nil {
				ng, err = pcapgo.NewNgWriterInterface(w, about, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "tunnelbench"}})
			} else {
				id, err = ng.AddInterface(about)
			}
			if err != nil {
				return nil, nil, err
			}
			byName[name] = id
		}
		ids[number] = id
	}
	if ng == nil {
		return nil, nil, fmt.Errorf("no interface was traced")
	}
	return ng, ids, nil
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

// remarks returns the direction and the comment of a packet.
func (c Capture) remarks(o owned) pcapgo.NgPacketOptions {
	flags := pcapgo.NgEpbFlags{Direction: pcapgo.NgEpbFlagDirectionInbound}
	if c.places[o.point].Kind == waterfall.Out {
		flags.Direction = pcapgo.NgEpbFlagDirectionOutbound
	}
	options := pcapgo.NgPacketOptions{Flags: &flags}
	if o.frame == nil {
		return options
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
	options.Comments = []string{text}
	return options
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
