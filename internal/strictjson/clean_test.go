package strictjson

import (
	"strings"
	"testing"
)

func TestShort(t *testing.T) {
	if got := Short(strings.Repeat("é", 1000), 5); got != "éééé…" {
		t.Errorf("got %q", got)
	}
	if got := Short("a\x1bb", 5); got != "a\ufffdb" {
		t.Errorf("got %q", got)
	}
}
