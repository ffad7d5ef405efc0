package dut

import "testing"

func TestWANRate(t *testing.T) {
	for spec, want := range map[string]float64{
		"rate=100Mbps,delay=5ms": 100e6, "delay=1ms,rate=1Gbps,queue=50": 1e9, "rate=10kpps": 0, "delay=5ms": 0, "": 0, "rate=fast": 0,
	} {
		if bits, ok := WANRate(spec); ok != (want != 0) || ok && bits != want {
			t.Errorf("%q: %v, %t, want %v", spec, bits, ok, want)
		}
	}
}
