package loadgen

import (
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
