package series

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

// steady returns packets that are sent each millisecond and take 200 us.
func steady(n int) (s Series) {
	for i := range n {
		sent := time.Duration(i) * ms
		s = append(s, Packet{Sent: sent, Arrived: sent + 200*time.Microsecond, Came: true})
	}
	return s
}

// lose makes the packets that were sent from one moment until before another get lost.
func (s Series) lose(from, to time.Duration) Series {
	for i := range s {
		if s[i].Sent >= from && s[i].Sent < to {
			s[i].Came = false
		}
	}
	return s
}

// hold makes them arrive at a moment instead.
func (s Series) hold(from, to, until time.Duration) Series {
	for i := range s {
		if s[i].Sent >= from && s[i].Sent < to {
			s[i].Arrived, s[i].Came = until, true
		}
	}
	return s
}

func TestLongestSilence(t *testing.T) {
	t.Parallel()
	const us = time.Microsecond
	for name, c := range map[string]struct {
		series Series
		from   time.Duration
		want   Silence
	}{
		"none":                    {steady(100), 0, Silence{0, 0, true, 0}},
		"three seconds":           {steady(5000).lose(1000*ms, 4000*ms), 900 * ms, Silence{999*ms + 200*us, 4000*ms + 200*us, true, ms}},
		"held until it is over":   {steady(5000).hold(1000*ms, 3990*ms, 4000*ms), 0, Silence{999*ms + 200*us, 3990*ms + 200*us, true, ms}},
		"never over":              {steady(2000).lose(500*ms, time.Hour), 0, Silence{499*ms + 200*us, 1999 * ms, false, ms}},
		"nothing at all":          {steady(2000).lose(0, time.Hour), 0, Silence{0, 1999 * ms, false, 0}},
		"one that was before":     {steady(2000).lose(100*ms, 900*ms).lose(1500*ms, 1600*ms), 1000 * ms, Silence{1499*ms + 200*us, 1600*ms + 200*us, true, ms}},
		"one that lasts into it":  {steady(2000).lose(100*ms, 900*ms), 850 * ms, Silence{99*ms + 200*us, 900*ms + 200*us, true, ms}},
		"the longer of two":       {steady(2000).lose(100*ms, 200*ms).lose(300*ms, 500*ms), 0, Silence{299*ms + 200*us, 500*ms + 200*us, true, ms}},
		"a sender that was late":  {append(steady(10), Packet{50 * ms, 51 * ms, true}), 0, Silence{9*ms + 200*us, 51 * ms, true, 41 * ms}},
		"no packets":              {nil, 0, Silence{}},
		"out of order is no hole": {steady(100).hold(50*ms, 51*ms, 60*ms), 40 * ms, Silence{49*ms + 200*us, 51*ms + 200*us, true, ms}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.series.Longest(c.from)
			if name == "none" { // every silence is a millisecond long
				if got.Length() != ms || !got.Over {
					t.Errorf("%+v", got)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	s := Silence{From: 1000 * ms, To: 4000 * ms, Over: true}
	if got := s.After(1500 * ms); got != 2500*ms {
		t.Errorf("%v", got)
	}
	if got := s.After(5000 * ms); got != 0 {
		t.Errorf("it was over before: %v", got)
	}
}

func TestLostAndHeld(t *testing.T) {
	t.Parallel()
	s := steady(1000).lose(100*ms, 150*ms).hold(150*ms, 200*ms, 250*ms)
	if n := s.Between(90*ms, 300*ms).Lost(); n != 50 {
		t.Errorf("%d lost", n)
	}
	if n := s.Between(120*ms, 130*ms).Lost(); n != 10 {
		t.Errorf("%d lost of ten", n)
	}
	if n := len(s.Between(300*ms, 200*ms)); n != 0 {
		t.Errorf("%d packets in a time that ends before it begins", n)
	}
	if n, longest := s.Held(20 * ms); n != 50 || longest != 100*ms {
		t.Errorf("%d held, up to %v", n, longest)
	}
	if n, longest := steady(10).Held(ms); n != 0 || longest != 0 {
		t.Errorf("%d held, up to %v", n, longest)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	var s Series
	for i := range 100 {
		s = append(s, Packet{Sent: time.Duration(i) * ms, Arrived: time.Duration(2*i+1) * ms, Came: true}) // delays of 1 to 100 ms
	}
	s = append(s, Packet{Sent: time.Second})
	if q, ok := s.Quantiles(); !ok || q != (Quantiles{50 * ms, 99 * ms, 100 * ms}) {
		t.Errorf("%v %v", q, ok)
	}
	if _, ok := steady(3).lose(0, time.Hour).Quantiles(); ok {
		t.Error("quantiles of nothing")
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	near, far := steady(1000).Split([]time.Duration{100 * ms, 105 * ms, 990 * ms}, 10*ms)
	if len(near) != 26+20 || len(far) != 1000-46 {
		t.Errorf("%d near, %d far", len(near), len(far))
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	if d, ok := steady(100).lose(0, 30*ms).First(); !ok || d != 30*ms+200*time.Microsecond {
		t.Errorf("%v %v", d, ok)
	}
	if _, ok := steady(100).lose(0, time.Hour).First(); ok {
		t.Error("nothing arrived")
	}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	there, back := steady(10), steady(9).lose(3*ms, 4*ms)
	both := RoundTrips(there, back)
	if len(both) != 9 || both.Lost() != 1 || both[0].delay() != 400*time.Microsecond || there[0].delay() != 200*time.Microsecond {
		t.Errorf("%+v", both)
	}
}
