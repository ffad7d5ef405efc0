package loadgen

import (
	"slices"
	"testing"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestOneWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		streams []StreamLedger
		want    bool
	}{
		{"one way asked", []StreamLedger{{}}, false},
		{"both carry", []StreamLedger{{Counts: rfc2544.Counts{Received: 90}}, {Counts: rfc2544.Counts{Received: 100}}}, false},
		{"one carries late", []StreamLedger{{Counts: rfc2544.Counts{Late: 90}}, {Counts: rfc2544.Counts{Received: 100}}}, false},
		{"neither", []StreamLedger{{}, {}}, false},
		{"one", []StreamLedger{{Counts: rfc2544.Counts{Received: 9}}, {}}, true},
		{"one, and some frames of the other", []StreamLedger{{Counts: rfc2544.Counts{Received: 1e6}}, {Counts: rfc2544.Counts{Received: 64}}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := (Ledger{Streams: c.streams}).OneWay(); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// Each flow has its received frames, also of a last word that is not full; one flow has no list.
func TestRecordFlows(t *testing.T) {
	t.Parallel()
	seen := []uint64{^uint64(0), 0b1011, ^uint64(0)} // of the frames 64 to 69, that of 66 is lost, and those of 68 and 69
	var l StreamLedger
	l.Offered = 70
	l.RecordFlows(3, func(i uint64) uint64 { return seen[i] })
	if want := []uint64{22, 23, 22}; !slices.Equal(l.Flows, want) {
		t.Errorf("%d, want %d", l.Flows, want)
	}
	one := StreamLedger{Counts: l.Counts}
	if one.RecordFlows(1, func(uint64) uint64 { return 0 }); one.Flows != nil {
		t.Errorf("%d of one flow", one.Flows)
	}
}
