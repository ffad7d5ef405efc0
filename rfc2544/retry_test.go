package rfc2544

import (
	"errors"
	"testing"
	"time"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		retry   Retry
		took    time.Duration
		validAt int // which attempt is; 0: none
		failAt  int // which attempt is an error; 0: none
		want    int // attempts
		last    int // which of them knew that it is the last; 0: none
	}{
		"valid at once":                        {retry: Retry{Times: 3}, validAt: 1, want: 1},
		"never valid":                          {retry: Retry{Times: 3}, want: 4, last: 4},
		"valid when it counts":                 {retry: Retry{Times: 3}, validAt: 4, want: 4, last: 4},
		"no repeats":                           {want: 1, last: 1},
		"short ones are repeated longer":       {retry: Retry{Times: 3, Within: 10 * time.Second}, took: time.Second, want: 10},
		"even those that take no time, but 20": {retry: Retry{Times: 3, Within: time.Second}, want: 21, last: 21},
		"long ones as often as always":         {retry: Retry{Times: 3, Within: 10 * time.Second}, took: time.Minute, want: 4, last: 4},
		"an error ends it":                     {retry: Retry{Times: 3}, failAt: 2, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, last := 0, 0
			valid, err := c.retry.Do(func(isLast bool) (bool, time.Duration, error) {
				n++
				if isLast {
					last = n
				}
				if n == c.failAt {
					return true, c.took, broken
				}
				return n == c.validAt, c.took, nil
			})
			if n != c.want || last != c.last {
				t.Errorf("%d attempts, of which number %d knew that it is the last; want %d and %d", n, last, c.want, c.last)
			}
			if valid != (c.validAt > 0) || errors.Is(err, broken) != (c.failAt > 0) {
				t.Errorf("valid %t, error %v", valid, err)
			}
		})
	}
}
