// Package capture writes captures that Wireshark opens: one pcapng file (draft-ietf-opsawg-pcapng) with
// several interfaces, and for each packet its time in nanoseconds, its direction and a comment. Keys with
// which Wireshark decrypts the packets may stand in front of them.
//
//	section header ─ interface ─ interface … ─ decryption secrets ─ packet ─ packet …
//
// It needs no file and no rights: it writes to any io.Writer, in whole blocks. So what was written before
// the disk became full stays readable.
package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// The link types that the lab's interfaces have (https://www.tcpdump.org/linktypes.html).
const (
	Ethernet = layers.LinkTypeEthernet // frames
	RawIP    = layers.LinkTypeRaw      // IPv4 or IPv6 packets, as a TUN device has them
)

// Interface is where packets were seen.
type Interface struct {
	Name        string // at most 65535 bytes, as is the description
	Description string // empty: none
	LinkType    layers.LinkType
}

// Secrets is a key log of WireGuard as Wireshark reads it (its setting wg.keylog_file); nil: none. Whoever
// has the capture can read what the keys open.
type Secrets []byte

// Packet is a packet that an interface received or sent.
type Packet struct {
	Interface      int // index of the interface
	Time           time.Time
	Inbound        bool   // received by the interface; else sent
	Data           []byte // what was captured of it; the writer keeps no reference
	OriginalLength int    // in bytes; 0: that of Data
	Comment        string // of one packet, at most 65535 bytes; empty: none
}

// buffered is how many bytes of blocks may wait before they are written.
const buffered = 1 << 16

// Writer writes a capture. Flush it at the end.
type Writer struct {
	out     io.Writer
	ng      *pcapgo.NgWriter
	blocks  bytes.Buffer // whole ones, not written yet
	written int64
	failed  error
}

// NewWriter begins a capture. If w is a file, the capture has to be all that is in it.
func NewWriter(w io.Writer, interfaces []Interface, secrets Secrets) (*Writer, error) {
	if len(interfaces) == 0 {
		return nil, fmt.Errorf("capture: no interface: want at least one")
	}
	c := &Writer{out: w}
	for i, own := range interfaces {
		if n := max(len(own.Name), len(own.Description)); n > math.MaxUint16 {
			return nil, fmt.Errorf("capture: interface %d: name or description of %d bytes: want at most %d", i, n, math.MaxUint16)
		}
		ng := pcapgo.NgInterface{Name: own.Name, Description: own.Description, LinkType: own.LinkType}
		if i > 0 {
			_, _ = c.ng.AddInterface(ng) // the writer below is memory
			continue
		}
		section := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "tunnelbench"}}
		c.ng, _ = pcapgo.NewNgWriterInterface(&c.blocks, ng, section)
	}
	_ = c.ng.Flush()
	if secrets != nil {
		c.blocks.Write(secretsBlock(secrets))
	}
	return c, c.Flush()
}

// Packet adds a packet. An error about the packet leaves the capture as it was; after an error of the writer
// below, every call returns it.
func (c *Writer) Packet(p Packet) error {
	if c.failed != nil {
		return c.failed
	}
	if len(p.Comment) > math.MaxUint16 {
		return fmt.Errorf("capture: comment of %d bytes: want at most %d", len(p.Comment), math.MaxUint16)
	}
	info := gopacket.CaptureInfo{Timestamp: p.Time, InterfaceIndex: p.Interface, CaptureLength: len(p.Data), Length: p.OriginalLength}
	if info.Length == 0 {
		info.Length = len(p.Data)
	}
	flags := pcapgo.NgEpbFlags{Direction: pcapgo.NgEpbFlagDirectionOutbound}
	if p.Inbound {
		flags.Direction = pcapgo.NgEpbFlagDirectionInbound
	}
	options := pcapgo.NgPacketOptions{Flags: &flags}
	if p.Comment != "" {
		options.Comments = []string{p.Comment}
	}
	if err := c.ng.WritePacketWithOptions(info, p.Data, options); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	_ = c.ng.Flush()
	if c.blocks.Len() < buffered {
		return nil
	}
	return c.Flush()
}

// Flush writes the blocks that wait. If only a part of them can be written, a file is cut behind the last
// whole write, so that no reader stumbles over half a block.
func (c *Writer) Flush() error {
	if c.failed != nil || c.blocks.Len() == 0 {
		return c.failed
	}
	n, err := c.blocks.WriteTo(c.out)
	if err == nil {
		c.written += n
		return nil
	}
	c.failed = fmt.Errorf("capture: %w", err)
	if file, ok := c.out.(interface{ Truncate(size int64) error }); ok && n > 0 {
		if err := file.Truncate(c.written); err != nil {
			c.failed = fmt.Errorf("%w; its last block is cut short: %w", c.failed, err)
		}
	}
	return c.failed
}

// The decryption secrets block (draft-ietf-opsawg-pcapng, section 4.7), which gopacket reads but does not
// write.
const (
	blockSecrets      = 0x0000000a
	secretsWireGuard  = 0x57474b4c
	secretsBlockFrame = 5 * 4 // type, length, type of secrets, their length; the length again
)

func secretsBlock(secrets Secrets) []byte {
	padding := -len(secrets) & 3
	length := uint32(secretsBlockFrame + len(secrets) + padding)
	block := make([]byte, 0, length)
	for _, word := range []uint32{blockSecrets, length, secretsWireGuard, uint32(len(secrets))} {
		block = binary.LittleEndian.AppendUint32(block, word)
	}
	block = append(block, secrets...)
	block = append(block, make([]byte, padding)...)
	return binary.LittleEndian.AppendUint32(block, length)
}
