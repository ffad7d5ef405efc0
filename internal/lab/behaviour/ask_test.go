package behaviour

import (
	"testing"
	"time"
)

// Listening ends when each probe is answered, or when the markers have passed both ways; what may still be on its way
// is waited for.
func TestComplete(t *testing.T) {
	t.Parallel()
	at := func(after time.Duration) time.Time { return time.Unix(1000, 0).Add(after) }
	now := at(10 * time.Second)
	probe, marker := Packet{Version: 4, Number: 7}, uint64(8)
	for name, c := range map[string]struct {
		heard         Heard
		passed, ended time.Time
		want          bool
	}{
		"no marker yet":            {Heard{Far: []Packet{probe}, Markers: 1}, time.Time{}, time.Time{}, false},
		"the probe came":           {Heard{Far: []Packet{probe}, Markers: 1, back: 1}, now, time.Time{}, true},
		"another came":             {Heard{Far: []Packet{{Version: 4, Number: 6}}, Markers: 1, back: 1}, now, time.Time{}, false},
		"fragments came":           {Heard{Far: []Packet{{Version: 4, Number: 7, MF: true}}, Markers: 1, back: 1}, now, time.Time{}, false},
		"an error came":            {Heard{Near: []Packet{{Version: 4, Error: &ICMPError{TooBig, 1400}}}, Markers: 1, back: 1}, now, time.Time{}, true},
		"something else came":      {Heard{Near: []Packet{{Version: 4}}, Markers: 1, back: 1}, now, time.Time{}, false},
		"the marker is back":       {Heard{Markers: 1, back: 1}, now, now, false},
		"nothing came behind it":   {Heard{Markers: 1, back: 1}, now, at(10*time.Second - stragglers), true},
		"a marker is on its way":   {Heard{Far: []Packet{probe}, Markers: 2, back: 1}, at(10*time.Second - lostMarker/2), time.Time{}, false},
		"a marker is lost":         {Heard{Far: []Packet{probe}, Markers: 2, back: 1}, at(10*time.Second - lostMarker), time.Time{}, true},
		"both markers have come":   {Heard{Far: []Packet{probe}, Markers: 2, back: 2}, now, time.Time{}, true},
		"and the probe has not":    {Heard{Markers: 2, back: 2}, at(0), time.Time{}, false},
		"and one is long back":     {Heard{Markers: 2, back: 2}, at(0), at(time.Second), true},
		"no probe, and the marker": {Heard{First: marker, Markers: 1, back: 1}, now, time.Time{}, true},
	} {
		if c.heard.First == 0 {
			c.heard.First = 7
		}
		l := &listening{heard: &c.heard, ends: marker, passed: c.passed, ended: c.ended}
		if got := l.complete(now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
