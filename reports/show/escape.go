package show

import (
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// Markdown is text that stays text within a table, a heading or a paragraph: no markup, no
// mention of anybody, no link.
func Markdown(s string) string {
	var b strings.Builder
	for _, r := range strictjson.Clean(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#' || r == ':': // whom it would call, what it would link to
			fmt.Fprintf(&b, "&#%d;", r)
		case r < 0x80 && strings.ContainsRune("\\`*_{}[]()!|~", r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Word is text without spaces: the format's fields are parted by them.
func Word(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' || r == '\u202f' {
			return '_'
		}
		return r
	}, strictjson.Short(s, 200))
}
