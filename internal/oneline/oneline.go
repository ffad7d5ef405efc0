// Package oneline takes one line out of what a program says, for errors and results.
package oneline

import (
	"slices"
	"strings"
	"unicode"
)

// longest is the number of characters to which Last cuts a line.
const longest = 300

// Last returns the last line of a program's output that is not empty, for use in an error.
// It replaces characters that cannot be printed by spaces and cuts the line to 300 characters.
func Last(output string) string {
	lines := strings.FieldsFunc(output, func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range slices.Backward(lines) {
		runes := []rune(strings.TrimSpace(strings.Map(printable, line)))
		if len(runes) > longest {
			runes = append(runes[:longest-1], '…')
		}
		if len(runes) > 0 {
			return string(runes)
		}
	}
	return ""
}

// First returns the first line of a program's output that is not empty, cut to 80 characters, with spaces for characters that
// cannot be printed.
func First(output string) string {
	const longest = 80
	line, _, _ := strings.Cut(strings.TrimSpace(output), "\n")
	runes := []rune(strings.TrimSpace(strings.Map(printable, line)))
	return string(runes[:min(len(runes), longest)])
}

// printable returns r, or a space if r cannot be printed.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}
