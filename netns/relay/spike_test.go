package relay

import (
	"testing"
	"time"
)

// Every Nth frame has an extra delay. A frame that would overtake it leaves at the same time.
func TestSpike(t *testing.T) {
	c, err := Parse(map[string]string{"delay": "1ms", "spike": "2ms/5"})
	if err != nil {
		t.Fatal(err)
	}
	l := newLane(c, 0, &trialClock{})
	for n := range uint32(20) {
		at := int64(n) * int64(10*time.Millisecond)
		want := at + int64(time.Millisecond)
		if (n+1)%5 == 0 {
			want += int64(2 * time.Millisecond)
		}
		if d := l.admit(at, facts{length: 64, signed: true, sequence: n}); d.depart != want {
			t.Errorf("frame %d leaves at %d, want %d", n, d.depart, want)
		}
	}
	last := l.latest
	late := l.admit(last, facts{length: 64, signed: true, sequence: 24})
	next := l.admit(last, facts{length: 64, signed: true, sequence: 25})
	if late.depart != last+int64(3*time.Millisecond) || next.depart != late.depart {
		t.Errorf("the frames behind a late one leave at %d and %d", late.depart, next.depart)
	}
	for _, bad := range []string{"2ms", "2ms/1", "2ms/x", "0s/5", "x/5", "11s/5", "/5", "2ms/5/6"} {
		if _, err := Parse(map[string]string{"spike": bad}); err == nil {
			t.Errorf("spike=%s is taken", bad)
		}
	}
}
