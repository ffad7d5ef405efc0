package behaviour

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// The tests name a device of the kernel right.
func TestVXLAN(t *testing.T) {
	b := openBench(t, "vxlan")
	f := dscp.On(t.Context(), b)
	if f.Verdict != behaviour.None || f.Fact("outer") != zero || f.Fact("inner") != copied {
		t.Errorf("%+v", f)
	}
}

// A device without a wan link cannot be asked.
func TestUnsupported(t *testing.T) {
	b := openBench(t, "wire")
	for _, test := range Tests() {
		if f := test.On(t.Context(), b); f.Verdict != behaviour.Unsupported || f.Why == "" || f.Test != test.Name {
			t.Errorf("%+v", f)
		}
	}
}
