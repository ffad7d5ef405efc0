package lab

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A device that is reset while frames cross it comes back, and what it cost is
// in the ledger.
func TestMeasureReset(t *testing.T) {
	l := openLabWith(t, Settings{LossTimeout: short})
	for spec, kinds := range map[string][]rfc2544.ResetKind{
		"plain": {rfc2544.ResetSystem, rfc2544.ResetPower}, "reference": rfc2544.ResetKinds(), "wireguard-go": {rfc2544.ResetProcess}, "relay": {rfc2544.ResetProcess, rfc2544.ResetSystem},
	} {
		b := openBench(t, l, spec, 64)
		for _, kind := range kinds {
			r := rfc2544.Reset{Kind: kind, At: 300 * time.Millisecond}
			if kind == rfc2544.ResetPower {
				r.Off = 500 * time.Millisecond
			}
			const load = 2000
			var o rfc2544.Observation
			for _, duration := range []time.Duration{1500 * time.Millisecond, 5 * time.Second, 30 * time.Second} { // a busy machine rebuilds slowly
				var err error
				o, err = b.MeasureReset(context.Background(), rfc2544.Trial{Size: 64, Load: load, Duration: duration}, r)
				if err != nil {
					t.Fatalf("%s, %s: %v", spec, kind, err)
				}
				if o.LastLost == nil || *o.LastLost < duration*9/10 {
					break
				}
			}
			if o.Valid != (len(o.Invalid) == 0) {
				t.Errorf("%s, %s: valid %t, but %v", spec, kind, o.Valid, o.Invalid)
			}
			// Preparing the trial takes a part of the time until the reset, on a core that a relay keeps busy most of it.
			if o.Lost == 0 || o.Received == 0 || o.LongestGap == nil || o.LastLost == nil || o.LongestGap.Length < r.Off || o.LongestGap.At+o.LongestGap.Length < r.At/10 {
				t.Errorf("%s, %s: %d of %d lost, silence %+v, last lost %v", spec, kind, o.Lost, o.Offered, o.LongestGap, o.LastLost)
			}
			after, err := b.Measure(context.Background(), rfc2544.Trial{Size: 64, Load: load, Duration: 100 * time.Millisecond})
			if err != nil || after.Received+after.Late == 0 {
				t.Errorf("%s, %s: %d frames afterwards, %v", spec, kind, after.Received, err)
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	for spec, kind := range map[string]rfc2544.ResetKind{"vxlan": rfc2544.ResetProcess, "wire": rfc2544.ResetSystem} {
		b := openBench(t, l, spec, 64)
		if _, err := b.MeasureReset(context.Background(), rfc2544.Trial{Size: 64, Load: 1000, Duration: time.Second}, rfc2544.Reset{Kind: kind}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s, %s: error %v", spec, kind, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
