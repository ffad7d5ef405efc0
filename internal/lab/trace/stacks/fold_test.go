package stacks

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// record writes a record as the kernel does.
func record(kind uint32, body ...uint64) []byte {
	out := binary.NativeEndian.AppendUint32(nil, kind)
	out = binary.NativeEndian.AppendUint16(out, 0)
	out = binary.NativeEndian.AppendUint16(out, uint16(8+8*len(body)))
	for _, word := range body {
		out = binary.NativeEndian.AppendUint64(out, word)
	}
	return out
}

// thread is the two numbers of a sample's process and thread.
func thread(pid, tid uint32) uint64 {
	return binary.NativeEndian.Uint64(binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, pid), tid))
}

const lostRecord = 2

// A process of the device counts with all its functions, a thread of the kernel with its own, everybody else only for the soft
// interrupts that interrupted it.
func TestFold(t *testing.T) {
	const device, kthread, other = 10, 20, 30
	var records []byte
	for _, body := range [][]uint64{
		{thread(device, 11), 3, userFrames, 0x100, 0x201},
		{thread(device, 11), 3, userFrames, 0x100, 0x201},
		{thread(device, 11), 5, kernelFrames, 0xf10, 0xf30, userFrames, 0x201},
		{thread(kthread, 20), 3, kernelFrames, 0xf10, 0xf20},
		{thread(other, 30), 6, kernelFrames, 0xf10, 0xf20, 0xf30, userFrames, 0x201},
		{thread(other, 30), 2, userFrames, 0x100},
		{thread(other, 30), 3, kernelFrames, 0xf10, 0xf30},
		{thread(0, 0), 1, kernelFrames},
		{thread(device, 12), 4, contexts, 0x999, userFrames, 0x100},
	} {
		records = append(append(records, record(recordSample, body...)...), record(lostRecord, 0, 0)...)
	}
	n := names{
		kernel: func(a uint64) string {
			return map[uint64]string{0xf10: "poll", 0xf1f: "handle_softirqs", 0xf2f: "entry"}[a]
		},
		user: func(pid int, a uint64) string { return fmt.Sprintf("%d;%x", pid, a) },
		task: func(pid, tid int) task {
			return map[int]task{device: {fmt.Sprint("dev\n", tid), true}, kthread: {"ksoftirqd/1", false}}[pid]
		},
	}
	p := Profile{Counts: map[string]int{}}
	for s, err := range samplesOf(records) {
		if err != nil {
			t.Fatal(err)
		}
		p.add(s, n)
	}
	var got strings.Builder
	if err := p.Write(&got); err != nil {
		t.Fatal(err)
	}
	const want = "dev?11;10:200;10:100 2\n" +
		"dev?11;10:200;entry_[k];poll_[k] 1\n" +
		"dev?12;10:100 1\n" +
		"ksoftirqd/1;handle_softirqs_[k];poll_[k] 1\n" +
		"softirq;handle_softirqs_[k];poll_[k] 1\n"
	if got.String() != want || p.Samples != 9 || p.Idle() != 3 {
		t.Errorf("%d samples, %d idle:\n%s, want\n%s", p.Samples, p.Idle(), &got, want)
	}
}

// Records whose lengths contradict each other end in an error, wherever they are cut, and never in a crash.
func TestRecordsThatAreCut(t *testing.T) {
	whole := append(record(recordSample, thread(1, 2), 2, userFrames, 7), record(recordSample, thread(1, 2), 1, kernelFrames)...)
	ends := map[int]int{0: 0, 40: 1, len(whole): 2}
	for cut := range len(whole) + 1 {
		samples, failed := 0, false
		for _, err := range samplesOf(whole[:cut]) {
			if err != nil {
				failed = true
			} else {
				samples++
			}
		}
		if want, clean := ends[cut]; failed == clean || clean && samples != want {
			t.Errorf("%d octets: %d samples, failed: %v", cut, samples, failed)
		}
	}
	for _, body := range [][]uint64{{thread(1, 2), 2, userFrames}, {thread(1, 2), ^uint64(0)}, {thread(1, 2)}} {
		for _, err := range samplesOf(record(recordSample, body...)) {
			if err == nil {
				t.Errorf("%x was taken", body)
			}
		}
	}
}
