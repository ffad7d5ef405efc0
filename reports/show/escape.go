package show

import (
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// Markdown escapes text for tables, headings and paragraphs, so that it cannot contain markup,
// mentions or links.
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
		case r == '@' || r == '#' || r == ':': // mentions, issue links, URLs
			fmt.Fprintf(&b, "&#%d;", r)
		case r < 0x80 && strings.ContainsRune("\\`*_{}[]()!|~", r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Word replaces the spaces in text, because spaces separate the fields of the benchmark format.
func Word(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' || r == '\u202f' {
			return '_'
		}
		return r
	}, strictjson.Short(s, 200))
}
