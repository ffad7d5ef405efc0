package afpacket

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
)

// directions holds the names of the capture files of the two streams.
var directions = [2]string{"forward", "reverse"}

// The interfaces of a capture file.
const (
	sentInterface     = 0
	receivedInterface = 1
)

// writeCapture writes the capture c of a stream to dir/forward.pcapng or dir/reverse.pcapng,
// atomically. clock is CLOCK_REALTIME minus CLOCK_MONOTONIC in ns.
func writeCapture(dir string, s *stamper, c *capture, clock int64) error {
	path := filepath.Join(dir, directions[s.signature.Stream]+".pcapng")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	if err := atomicfile.Create(path, 0o644, func(f io.Writer) error { return encodeCapture(f, s, c, clock) }); err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	return nil
}

// encodeCapture writes a pcapng file with two interfaces. The sending port has the missing frames,
// which encodeCapture rebuilds. The receiving port has the received frames.
func encodeCapture(out io.Writer, s *stamper, c *capture, clock int64) error {
	from := int(s.signature.Stream)
	port := pcapgo.NgInterface{
		Name: fmt.Sprintf("port%d sent", from), LinkType: layers.LinkTypeEthernet, TimestampResolution: 9,
		Description: "frames that did not arrive, rebuilt: the stamp is 0 and the time is when the gap showed, since the time of sending is not known",
	}
	options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "tunnelbench"}}
	ng, err := pcapgo.NewNgWriterInterface(out, port, options)
	if err != nil {
		return err
	}
	port.Name, port.Description = fmt.Sprintf("port%d received", 1-from), ""
	if _, err := ng.AddInterface(port); err != nil {
		return err
	}
	for _, seen := range c.log {
		info := gopacket.CaptureInfo{Timestamp: time.Unix(0, int64(seen.at)+clock), InterfaceIndex: receivedInterface, Length: seen.length}
		data := seen.data
		if data == nil {
			data = slices.Clone(s.template)
			s.write(data, seen.sequence, 0)
			info.InterfaceIndex, info.Length = sentInterface, len(data)
		}
		info.CaptureLength = len(data)
		var note pcapgo.NgPacketOptions
		if seen.comment != "" {
			note.Comments = []string{seen.comment}
		}
		if err := ng.WritePacketWithOptions(info, data, note); err != nil {
			return err
		}
	}
	return ng.Flush()
}
