package kv

import "strings"

// Nearest returns the known word that a misspelt one most likely stands for. ok is false
// when none is close: more than one letter in three would have to change.
func Nearest(word string, known []string) (nearest string, ok bool) {
	const longest = 64 // longer ones are no typing mistakes, and distance takes their square
	if len(word) > longest {
		return "", false
	}
	least := max(1, len(word)/3) + 1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			nearest, least, ok = k, d, true
		}
	}
	return nearest, ok
}

// distance is that of Levenshtein: how many bytes to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the prefixes of b to what was read of a
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
