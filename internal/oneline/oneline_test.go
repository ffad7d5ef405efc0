package oneline

import (
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, first, last string }{
		{"", "", ""},
		{"\n\n", "", ""},
		{"one", "one", "one"},
		{"\none\r\ntwo\n \n", "one", "two"},
		{"a\tb\x1b[1m\nend\x00\n", "a b [1m", "end"},
		{strings.Repeat("é", 400), strings.Repeat("é", 80), strings.Repeat("é", 299) + "…"},
	} {
		if got := First(c.text); got != c.first {
			t.Errorf("first of %q: %q, want %q", c.text, got, c.first)
		}
		if got := Last(c.text); got != c.last {
			t.Errorf("last of %q: %q, want %q", c.text, got, c.last)
		}
	}
}
