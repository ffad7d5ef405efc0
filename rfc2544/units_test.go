package rfc2544

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestMaxFrameRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		link BitRate
		size FrameSize
		want float64
	}{
		{Gigabit, 64, 1488095.24}, {Gigabit, 1518, 81274.38},
		{1e7, 64, 14880.95}, {1e7, 512, 2349.62}, {1e7, 1518, 812.74}, // RFC 2544 appendix B, not cut
	} {
		if got := float64(c.link.MaxFrameRate(c.size)); math.Abs(got-c.want) > 0.005 {
			t.Errorf("%v bit/s, %d octets: %.3f fps, want %.2f", c.link, c.size, got, c.want)
		}
	}
}

func TestParseLoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Rate // for 64 octets on Gigabit
	}{
		{"150kpps", 150e3}, {"1.5Mpps", 1.5e6}, {"812fps", 812}, {" 5 kpps", 0}, {"5kpps ", 5000},
		{"1Gbps", 1e9 / 512}, {"512bps", 1}, {"51.2kbps", 100}, {"80%", 0.8 * 1e9 / 672}, {"100%", 1e9 / 672},
		{"max", Flood}, {"MAX", Flood},
		{"", 0}, {"150", 0}, {"kpps", 0}, {"0kpps", 0}, {"-1kpps", 0}, {"nanpps", 0}, {"infpps", 0}, {"1e400pps", 0},
		{"1e308mpps", 0}, {"5e-324%", 0}, {"1kkpps", 0}, {"%", 0}, {"max%", 0},
	} {
		load, err := ParseLoad(c.text)
		if (err != nil) != (c.want == 0) {
			t.Errorf("%q: error %v", c.text, err)
			continue
		}
		if err == nil && !near(load.At(64, Gigabit), c.want) {
			t.Errorf("%q: %v, want %v", c.text, float64(load.At(64, Gigabit)), float64(c.want))
		}
	}
}

func near(a, b Rate) bool { return a == b || math.Abs(float64(a/b)-1) < 1e-12 }

func TestFramesExact(t *testing.T) {
	t.Parallel()
	for rate := uint64(1); rate <= 20e6; rate = rate*3 + 7 {
		for _, ms := range []uint64{1, 250, 500, 1000, 21000, 60000, 120000} {
			got := Rate(rate).Frames(time.Duration(ms) * time.Millisecond)
			if want := rate * ms / 1000; got != want {
				t.Fatalf("%d fps for %d ms: %d frames, want %d", rate, ms, got, want)
			}
		}
	}
	if got := Rate(1.5).Frames(time.Second); got != 1 {
		t.Errorf("1.5 fps for 1s: %d frames, want 1", got)
	}
	if got := (Trial{Load: Flood, Duration: time.Second}).Frames(); got != 0 {
		t.Errorf("a flood intends %d frames, want 0", got)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	if s := FrameSize(64); s.OnVeth() != 60 || s.IP() != 46 || Rate(1000).Bits(s) != 512000 {
		t.Errorf("64 octets: %d on a veth, %d of IP, %v bit/s at 1 kfps", s.OnVeth(), s.IP(), Rate(1000).Bits(s))
	}
}

func TestForwardingRate(t *testing.T) {
	t.Parallel()
	if got := (Observation{Counts: Counts{Received: 500}, Duration: 250 * time.Millisecond}).ForwardingRate(); got != 2000 {
		t.Errorf("500 frames in 250ms: %v, want 2000 fps", float64(got))
	}
	if got := (Observation{Counts: Counts{Received: 500}}).ForwardingRate(); got != 0 {
		t.Errorf("no time: %v, want 0", float64(got))
	}
}

func TestRateJSON(t *testing.T) {
	t.Parallel()
	type both struct {
		A Rate  `json:"a"`
		B *Rate `json:"b"`
	}
	for _, c := range []struct {
		rate Rate
		text string
	}{{1488095.25, `{"a":1488095.25,"b":null}`}, {Flood, `{"a":null,"b":null}`}, {0, `{"a":0,"b":null}`}} {
		b, err := json.Marshal(both{A: c.rate})
		if err != nil || string(b) != c.text {
			t.Errorf("%v: %s, %v; want %s", float64(c.rate), b, err, c.text)
		}
		var back both
		if err := json.Unmarshal(b, &back); err != nil || back.A != c.rate || back.B != nil {
			t.Errorf("%s read back as %+v, %v", b, back, err)
		}
	}
	var r Rate
	if err := json.Unmarshal([]byte(`"5"`), &r); err == nil {
		t.Error("a string passed for a rate")
	}
	if _, err := json.Marshal(Rate(math.NaN())); err == nil {
		t.Error("NaN passed for a rate")
	}
}

func TestRateString(t *testing.T) {
	t.Parallel()
	for rate, want := range map[Rate]string{812: "812fps", 150e3: "150kpps", 1488095: "1.488Mpps", Flood: "max", 0.5: "0.5fps"} {
		if got := rate.String(); got != want {
			t.Errorf("%v: %s, want %s", float64(rate), got, want)
		}
	}
}

func TestLossRatio(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seen Counts
		want float64
	}{
		{Counts{Intended: 1000, Offered: 1000, Received: 995}, 0.005}, // exactly the number a goal is written with
		{Counts{Intended: 200, Offered: 200, Received: 199}, 0.005},
		{Counts{Intended: 1000, Offered: 800, Received: 800}, 0.2}, // unsent is lost
		{Counts{Offered: 10, Received: 5}, 0.5},                    // a flood
		{Counts{Intended: 10, Offered: 10, Received: 11}, 0},
		{Counts{}, 0},
	} {
		if got := c.seen.LossRatio(); got != c.want {
			t.Errorf("%d of %d: %v, want %v", c.seen.Received, c.seen.Intended, got, c.want)
		}
	}
}
