//go:build gofuzz

package oracle

// go-fuzz boxes both sides of the comparisons that it watches.
const boxes = 1 << 20
