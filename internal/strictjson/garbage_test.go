package strictjson

import (
	"runtime/debug"
	"testing"
)

// Large files make garbage be collected more often, never less, and leave no trace, in whatever order they end.
func TestCollectMore(t *testing.T) {
	for name, c := range map[string]struct{ before, during int }{
		"the default": {100, 40}, "often already": {20, 20}, "never": {-1, 40},
	} {
		t.Run(name, func(t *testing.T) {
			defer debug.SetGCPercent(debug.SetGCPercent(c.before))
			percent := func() int {
				now := debug.SetGCPercent(c.before)
				debug.SetGCPercent(now)
				return now
			}
			first := collectMore()
			second := collectMore()
			during := percent()
			first()
			still := percent()
			second()
			if after := percent(); during != c.during || still != c.during || after != c.before {
				t.Errorf("%d, %d, and %d after it; want %d and %d", during, still, after, c.during, c.before)
			}
		})
	}
}
