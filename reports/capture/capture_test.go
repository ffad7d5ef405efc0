package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

var hops = []Interface{{Name: "left lan", LinkType: Ethernet}, {Name: "left tun0", Description: "tuntap", LinkType: RawIP}, {Name: "right wan", LinkType: Ethernet}}

// An empty IPv4 packet to nobody, and a frame with it.
var (
	packet = append([]byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 198, 18, 0, 2, 198, 19, 0, 2}, nil...)
	frame  = append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, packet...)
)

func begin(t testing.TB, out io.Writer, secrets Secrets) *Writer {
	t.Helper()
	c, err := NewWriter(out, hops, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var start = time.Unix(1_700_000_000, 123_456_789)

// What is written is what tshark shows: interface, nanoseconds, direction, lengths and comment.
func TestTsharkReadsEverything(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := begin(t, &out, nil)
	for i, p := range []Packet{
		{Interface: 0, Time: start, Inbound: true, Data: frame, Comment: "trial 1 stream 0 sequence 7"},
		{Interface: 1, Time: start.Add(1), Data: packet},
		{Interface: 2, Time: start.Add(time.Second), Data: frame[:20], OriginalLength: 60, Comment: "lost: größer"},
	} {
		if err := c.Packet(p); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	fields := []string{"frame.interface_name", "frame.time_epoch", "frame.packet_flags_direction", "frame.cap_len", "frame.len", "frame.comment", "ip.dst"}
	want := [][]string{
		{"left lan", "1700000000.123456789", "0x00000001", "34", "34", "trial 1 stream 0 sequence 7", "198.19.0.2"},
		{"left tun0", "1700000000.123456790", "0x00000002", "20", "20", "", "198.19.0.2"},
		{"right wan", "1700000001.123456789", "0x00000002", "20", "60", "lost: größer", ""},
	}
	if diff := cmp.Diff(want, testenv.TsharkFields(t, out.Bytes(), fields)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Secrets of every length leave the blocks behind them readable.
func TestSecretsArePadded(t *testing.T) {
	t.Parallel()
	for n := range 6 {
		var out bytes.Buffer
		c := begin(t, &out, Secrets(strings.Repeat("#", n)))
		if err := errors.Join(c.Packet(Packet{Time: start, Data: frame}), c.Flush()); err != nil {
			t.Fatal(err)
		}
		if got := packets(t, out.Bytes()); got != 1 {
			t.Errorf("%d bytes of secrets: %d packets, want 1", n, got)
		}
	}
}

// packets counts the packets of a capture that has to end with a whole block.
func packets(t testing.TB, data []byte) (n int) {
	t.Helper()
	r, err := pcapgo.NewNgReader(bytes.NewReader(data), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, err := r.ReadPacketData(); err == io.EOF {
			return n
		} else if err != nil {
			t.Fatalf("packet %d: %v", n, err)
		}
		n++
	}
}

var errFull = errors.New("no space left on device")

// disk is a file on a disk that becomes full.
type disk struct {
	*os.File
	free int
}

func (d *disk) Write(p []byte) (int, error) {
	n, err := d.File.Write(p[:min(len(p), d.free)])
	d.free -= n
	if err == nil && n < len(p) {
		err = errFull
	}
	return n, err
}

// A disk that becomes full, wherever in a block, is one error of one line, and what is there stays readable.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	begin(t, &whole, nil)
	var before int
	for free := whole.Len(); free < whole.Len()+3*buffered; free += 9973 {
		file, err := os.Create(filepath.Join(t.TempDir(), "capture.pcapng"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		c := begin(t, &disk{file, free}, nil)
		for err = nil; err == nil; {
			err = c.Packet(Packet{Time: start, Data: frame, Comment: "a comment"})
		}
		if !errors.Is(err, errFull) || strings.Contains(err.Error(), "\n") || !errors.Is(c.Flush(), errFull) || !errors.Is(c.Packet(Packet{Data: frame}), errFull) {
			t.Errorf("%d bytes free: error %q, then %v; want the disk's each time", free, err, c.Flush())
		}
		data, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		n := packets(t, data)
		if n < before || n == 0 && free > whole.Len()+2*buffered {
			t.Errorf("%d bytes free: %d packets, after %d with less", free, n, before)
		}
		before = n
	}
}

// What cannot be written is refused, and leaves the capture as it was.
func TestRefusals(t *testing.T) {
	t.Parallel()
	if _, err := NewWriter(io.Discard, nil, nil); err == nil {
		t.Error("a capture without interfaces was begun")
	}
	if _, err := NewWriter(io.Discard, []Interface{{Name: strings.Repeat("x", 1<<16), LinkType: Ethernet}}, nil); err == nil {
		t.Error("a name that does not fit was taken")
	}
	if _, err := NewWriter(&disk{}, hops, nil); err == nil {
		t.Error("a capture was begun without room")
	}
	var out bytes.Buffer
	c := begin(t, &out, nil)
	for name, p := range map[string]Packet{
		"no such interface": {Interface: len(hops), Data: frame},
		"negative":          {Interface: -1, Data: frame},
		"longer than it is": {Data: frame, OriginalLength: 5},
		"comment":           {Data: frame, Comment: strings.Repeat("x", 1<<16)},
	} {
		if err := c.Packet(p); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line", name, err)
		}
	}
	if err := errors.Join(c.Packet(Packet{Time: start, Data: frame}), c.Flush()); err != nil {
		t.Fatal(err)
	}
	if n := packets(t, out.Bytes()); n != 1 {
		t.Errorf("%d packets, want 1", n)
	}
}

func ExampleWriter() {
	var file bytes.Buffer // usually an os.File
	c, err := NewWriter(&file, []Interface{{Name: "tun0", LinkType: RawIP}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ping := Packet{Time: time.Unix(1_700_000_000, 1), Inbound: true, Data: packet, Comment: "the first one"}
	if err := errors.Join(c.Packet(ping), c.Flush()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(file.Len(), "bytes")
	// Output: 172 bytes
}
