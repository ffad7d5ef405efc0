package live

import (
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// maxCaptured is how many of the last mutants a capture holds.
const maxCaptured = 4096

// WriteCapture writes the last mutants sent as pcapng, each with its number and a description. The times
// are the times at which the mutants were due. Mutants that were sent more than once are written once.
func (r Result) WriteCapture(w io.Writer) error {
	first := r.First
	if r.Next-first > maxCaptured {
		first = r.Next - maxCaptured
	}
	link := pcapgo.NgInterface{
		Name: "wan", LinkType: layers.LinkTypeEthernet, TimestampResolution: 9,
		Description: "mutants as sent onto the wan link; times count from when the first of the stream was due",
	}
	options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "tunnelbench"}}
	ng, err := pcapgo.NewNgWriterInterface(w, link, options)
	if err != nil {
		return err
	}
	if r.mutants == nil {
		return ng.Flush()
	}
	r.mutants.Seek(first)
	var buffer []byte
	for index := first; index < r.Next; index++ {
		buffer = r.mutants.Next(buffer)
		due := time.Unix(0, int64(float64(index-r.First)/float64(r.rate)*float64(time.Second)))
		info := gopacket.CaptureInfo{Timestamp: due, Length: len(buffer), CaptureLength: len(buffer)}
		note := pcapgo.NgPacketOptions{Comments: []string{fmt.Sprintf("mutant %d: %s", index, r.mutants.Describe())}}
		if err := ng.WritePacketWithOptions(info, buffer, note); err != nil {
			return err
		}
	}
	return ng.Flush()
}
