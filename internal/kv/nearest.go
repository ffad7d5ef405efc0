package kv

import "strings"

// Nearest returns the known word closest to a misspelt one. ok is false if more than one letter in
// three differs.
func Nearest(word string, known []string) (nearest string, ok bool) {
	const longest = 64 // distance takes quadratic time
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

// distance returns the edit distance of a and b: bytes inserted, deleted or replaced, and
// neighbours swapped (optimal string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1) // of each prefix of a to each prefix of b
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+1)
			if a[i-1] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-1][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
