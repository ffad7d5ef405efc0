package afpacket

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// record is a frame in a capture file.
type record struct {
	port    string
	number  uint32
	comment string
	at      int64
}

func readCapture(t *testing.T, in io.Reader, s *stamper) (all []record) {
	t.Helper()
	r, err := pcapgo.NewNgReader(in, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, info, options, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		port, err := r.Interface(info.InterfaceIndex)
		if err != nil {
			t.Fatal(err)
		}
		rec := record{port: port.Name, comment: strings.Join(options.Comments, ";"), at: info.Timestamp.UnixNano()}
		if len(data) > s.Payload {
			if stamp, err := signature.Parse(data[s.Payload:]); err == nil {
				rec.number = stamp.Sequence
			}
		}
		if port.Name == "port0 sent" {
			enginetest.Decode(t, data) // checks the lengths and the checksums
			if !bytes.Equal(data[s.Payload+signature.Len:], s.template[s.Payload+signature.Len:]) {
				t.Errorf("frame %d was not rebuilt as it was sent", rec.number)
			}
		}
		all = append(all, rec)
	}
}

// captureOf passes frames with the given numbers to a receiver with a capture. A negative number is a
// corrupted frame. offered is the number of frames that were sent.
func captureOf(t *testing.T, offered uint64, numbers ...int) (*receiver, *stamper) {
	t.Helper()
	p := enginetest.Plan()
	p.Size, p.Flows = 100, 3
	r, s := receiverOf(t, p)
	r.capture = newCapture(p.Size.OnVeth())
	frame := bytes.Clone(s.template)
	for i, n := range numbers {
		at := someTime + uint64(i)*1000
		s.write(frame, uint64(max(n, -n)), at)
		if n < 0 {
			frame[len(frame)-1] ^= 1
		}
		r.add(frameIn{frame, len(frame), at, at}, 0)
		if n < 0 {
			frame[len(frame)-1] ^= 1
		}
	}
	r.capture.finish(offered)
	return r, s
}

// upTo returns the numbers from first to end-1.
func upTo(first, end int) (out []int) {
	for n := first; n < end; n++ {
		out = append(out, n)
	}
	return out
}

func TestCaptureShowsTheNeighbours(t *testing.T) {
	numbers := slices.Concat(upTo(0, 20), upTo(21, 40), []int{42, 41}, upTo(43, 60), []int{55}, upTo(60, 70), []int{-70}, upTo(71, 98))
	r, s := captureOf(t, 100, numbers...)
	const clock = 77e9
	var file bytes.Buffer
	if err := encodeCapture(&file, s, r.capture, clock); err != nil {
		t.Fatal(err)
	}
	got := readCapture(t, &file, s)
	find := func(number uint32, port, comment string) int {
		i := slices.IndexFunc(got, func(r record) bool {
			return r.number == number && r.port == port && strings.Contains(r.comment, comment)
		})
		if i < 0 {
			t.Errorf("no frame %d on %q with %q in %+v", number, port, comment, got)
		}
		return i
	}
	const sent, received = "port0 sent", "port1 received"
	lost := find(20, sent, "lost: frame 20")
	if before, after := find(19, received, ""), find(21, received, ""); before != lost-1 || after != lost+1 {
		t.Errorf("frame 20 is record %d, its neighbours %d and %d", lost, before, after)
	}
	if at := got[lost].at; at != int64(someTime)+20*1000+clock {
		t.Errorf("frame 20 showed missing at %d", at)
	}
	find(16, received, "")
	find(25, received, "")
	find(41, sent, "it came later, reordered")
	find(41, received, "reordered: frame 41")
	find(55, received, "duplicated: frame 55")
	find(70, received, "corrupted: frame 70")
	find(70, sent, "it came corrupted")
	find(98, sent, "lost: frame 98 as it was sent, rebuilt; one of 2")
	find(99, sent, "lost")
	for i, r := range got {
		if r.number == 10 || r.number == 30 {
			t.Errorf("record %d: frame %d is near nothing", i, r.number)
		}
		if i > 0 && r.at < got[i-1].at {
			t.Errorf("record %d is out of order", i)
		}
	}
}

func TestCaptureIsBounded(t *testing.T) {
	var even []int
	for n := 0; n < 2000; n += 100 {
		even = append(even, n, n)
	}
	r, s := captureOf(t, 5000, even...)
	var file bytes.Buffer
	if err := encodeCapture(&file, s, r.capture, 0); err != nil {
		t.Fatal(err)
	}
	lost, duplicated := 0, 0
	for _, rec := range readCapture(t, &file, s) {
		if strings.HasPrefix(rec.comment, "lost") {
			lost++
		}
		if strings.HasPrefix(rec.comment, "duplicated:") {
			duplicated++
		}
	}
	if lost != maxIncidents*maxGapFrames || duplicated != maxIncidents {
		t.Errorf("%d lost and %d duplicated frames, want %d and %d", lost, duplicated, maxIncidents*maxGapFrames, maxIncidents)
	}
}

// Gaps whose frames arrive later do not use up the room for losses in the capture.
func TestCaptureKeepsRoomForLosses(t *testing.T) {
	var numbers []int
	for n := 0; n < 1000; n += 100 {
		numbers = append(numbers, slices.Concat(upTo(n, n+50), []int{-(n + 50), n + 51, n + 53, n + 52}, upTo(n+54, n+100))...)
	}
	r, _ := captureOf(t, 1101, slices.Concat(numbers, upTo(1000, 1050), upTo(1051, 1101))...)
	if !slices.ContainsFunc(r.capture.log, func(s capturedFrame) bool { return strings.HasPrefix(s.comment, "lost: frame 1050 ") }) {
		t.Error("the one frame that was lost was not kept")
	}
}

func TestCaptureFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	r, s := captureOf(t, 50, upTo(0, 50)...)
	if err := writeCapture(dir, s, r.capture, 0); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "forward.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := readCapture(t, f, s); len(got) != 0 {
		t.Errorf("nothing went wrong, and %d frames were kept", len(got))
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v, want the capture alone", files, err)
	}
	blocked := filepath.Join(dir, "forward.pcapng", "below a file")
	if err := writeCapture(blocked, s, r.capture, 0); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want one line", err)
	}
}
