package trace

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tunnelbench/tunnelbench/internal/lab/trace/bpf"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// What was noted is read as far as there was room for it; a capture's octets can be read after the tracer has ended.
func TestEventsInTheKernelsMemory(t *testing.T) {
	testenv.NetAdmin(t)
	spec, err := bpf.LoadTrace()
	if err != nil {
		t.Fatal(err)
	}
	const room = 8
	tr := &tracer{room: room, snaps: true}
	if err := tr.set(spec, options{room: room, snaps: true}); err != nil {
		t.Fatal(err)
	}
	spec.Programs = nil
	if tr.shared, err = ebpf.NewCollection(spec); err != nil {
		t.Fatal(err)
	}
	tr.closers.Push(func() error { tr.shared.Close(); return nil })
	snap := func(i int) []byte { return bytes.Repeat([]byte{byte(i + 1)}, snapLen) }
	for i := range room {
		e := bpf.TraceEvent{Seq: uint32(i), Kind: uint8(seen)}
		if err := tr.shared.Maps[bpf.TraceMapEvents].Put(uint32(i), e); err != nil {
			t.Fatal(err)
		}
		if err := tr.shared.Maps[bpf.TraceMapSnaps].Put(uint32(i), snap(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.shared.Variables[bpf.TraceVarTaken].Set(uint64(room + 3)); err != nil {
		t.Fatal(err)
	}
	events, snaps, missed, err := tr.events()
	if err != nil || len(events) != room || missed != 3 {
		t.Fatalf("%d events, %d missed, %v", len(events), missed, err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		got := make([]byte, snapLen)
		if _, err := snaps.ReadAt(got, int64(i)*snapLen); err != nil || e.seq != uint32(i) || e.kind != seen || !bytes.Equal(got, snap(i)) {
			t.Errorf("event %d: %+v, %v, %x", i, e, err, got)
		}
	}
}
