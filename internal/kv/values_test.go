package kv

import (
	"testing"
	"time"
)

func TestSetFloat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want float64
		ok   bool
	}{{"0.005", 0.005, true}, {"-1", -1, true}, {"", 0, false}, {"NaN", 0, false}, {"inf", 0, false}, {"1e999", 0, false}} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			var got float64
			if err := SetFloat(&got, c.text); got != c.want || (err == nil) != c.ok {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestSetDuration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{{"500ms", 500 * time.Millisecond, true}, {"0s", 0, false}, {"-1s", 0, false}, {"5", 0, false}} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			var got time.Duration
			if err := SetDuration(&got, c.text); got != c.want || (err == nil) != c.ok {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestFormatFloat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v      float64
		digits int
		want   string
	}{{1.5, 3, "1.5"}, {2, 3, "2"}, {100, 0, "100"}, {0.0004, 3, "0"}, {1.2345, 2, "1.23"}} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			if got := FormatFloat(c.v, c.digits); got != c.want {
				t.Errorf("%v with %d digits: %q, want %q", c.v, c.digits, got, c.want)
			}
		})
	}
}
