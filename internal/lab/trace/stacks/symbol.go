package stacks

import (
	"cmp"
	"slices"
	"strings"
)

// symbol is a function: its code begins at start and ends before end.
type symbol struct {
	start, end uint64
	name       string
}

// table holds functions by address.
type table []symbol

// tableOf sorts functions. One without an end goes on to the next. Of several at one address the name with the fewest leading
// underscores stays: that is the one that people know.
func tableOf(functions []symbol) table {
	underscores := func(s symbol) int { return len(s.name) - len(strings.TrimLeft(s.name, "_")) }
	slices.SortStableFunc(functions, func(a, b symbol) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(underscores(a), underscores(b)))
	})
	functions = slices.CompactFunc(functions, func(a, b symbol) bool { return a.start == b.start })
	for i := range functions {
		if f := &functions[i]; f.end <= f.start && i+1 < len(functions) {
			f.end = functions[i+1].start
		}
	}
	return functions
}

// name returns the function that an address is in.
func (t table) name(address uint64) (name string, ok bool) {
	i, exact := slices.BinarySearchFunc(t, address, func(s symbol, a uint64) int { return cmp.Compare(s.start, a) })
	if !exact {
		i--
	}
	if i < 0 || address >= t[i].end {
		return "", false
	}
	return t[i].name, true
}
