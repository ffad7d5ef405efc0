package strictjson

import (
	"strconv"
	"strings"
	"unicode"
)

// Clean makes untrusted text safe to print. It replaces control and format characters (terminal
// escapes, line breaks, bidirectional overrides) by U+FFFD. It does not escape markup;
// html/template does.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// Short returns clean text of at most n characters.
func Short(s string, n int) string {
	if len(s) > 4*n {
		s = s[:4*n] // avoid scanning megabytes for a few characters
	}
	runes := []rune(Clean(s))
	if len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return string(runes)
}

// Quote returns short, clean text in quotes.
func Quote(s string) string { return strconv.Quote(Short(s, 64)) }
