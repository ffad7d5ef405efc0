package lab

import (
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A queue emptied after the sending is no merit, and a few frames in a row are
// no rate; of two directions the lower one counts.
func TestForwardingRate(t *testing.T) {
	const sending = 500 * time.Millisecond
	stream := func(received, late uint64, span time.Duration) loadgen.StreamLedger {
		return loadgen.StreamLedger{Counts: rfc2544.Counts{Received: received, Late: late}, Span: span}
	}
	for name, c := range map[string]struct {
		streams []loadgen.StreamLedger
		want    rfc2544.Rate
	}{
		"as it came":       {[]loadgen.StreamLedger{stream(5000, 0, sending)}, 10000},
		"a long queue":     {[]loadgen.StreamLedger{stream(1000, 9000, 2*sending)}, 10000},
		"a burst, no more": {[]loadgen.StreamLedger{stream(64, 0, time.Microsecond)}, 128},
		"nothing":          {[]loadgen.StreamLedger{stream(0, 0, 0)}, 0},
		"two directions":   {[]loadgen.StreamLedger{stream(5000, 0, sending), stream(2000, 0, sending)}, 4000},
	} {
		r := Run{Ledger: loadgen.Ledger{Streams: c.streams, Duration: sending}}
		if got := r.ForwardingRate(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestLoadsReadWell(t *testing.T) {
	for in, want := range map[rfc2544.Rate]rfc2544.Rate{123456: 120000, 23456: 23000, 2345: 2300, 234: 234, 0.5: 1} {
		if got := RoundLoad(in); got != want {
			t.Errorf("%v: %v, want %v", in, got, want)
		}
	}
}
