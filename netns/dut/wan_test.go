package dut

import (
	"strings"
	"testing"
)

func TestWANRate(t *testing.T) {
	for spec, want := range map[string]float64{
		"rate=100Mbps,delay=5ms": 100e6, "delay=1ms,rate=1Gbps,queue=50": 1e9, "rate=10kpps": 0, "delay=5ms": 0, "": 0,
		"shaped:rate=1Gbps": 1e9 * 1518 / 1514, "shaped:rate=10Mbps,limit=30000": 10e6 * 1518. / 1514,
	} {
		w, err := ParseWAN(spec)
		if err != nil {
			t.Errorf("%q: %v", spec, err)
		}
		if bits, ok := w.Rate(1518); ok != (want != 0) || ok && bits != want {
			t.Errorf("%q: %v, %t, want %v", spec, bits, ok, want)
		}
	}
}

func TestParseWANSaysWhatIsWrong(t *testing.T) {
	for spec, want := range map[string]string{
		"rate=fast": "rate", "shaped:rate=fast": "rate=fast", "shaped:delay=1ms": "delay", "shaped:burst=10": "burst=10", "loss": "loss",
	} {
		if _, err := ParseWAN(spec); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %q, want one line with %q", spec, err, want)
		}
	}
}
