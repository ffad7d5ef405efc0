package fuzz

import (
	"context"
	"slices"
	"time"
)

// minimiseLimit is the time limit for minimising an input.
const minimiseLimit = 10 * time.Second

// minimise makes an input shorter and simpler as long as same reports the same fault. It removes halves,
// quarters and so on, and replaces bytes that do not matter by '0'.
func minimise(ctx context.Context, data []byte, same func([]byte) bool) []byte {
	ctx, cancel := context.WithTimeout(ctx, minimiseLimit)
	defer cancel()
	for size := len(data); size > 0 && ctx.Err() == nil; size /= 2 {
		for at := 0; at+size <= len(data) && ctx.Err() == nil; {
			without := slices.Concat(data[:at], data[at+size:])
			if same(without) {
				data = without
			} else {
				at += size
			}
		}
	}
	for at := range data {
		if data[at] == '0' || ctx.Err() != nil {
			continue
		}
		plainer := slices.Clone(data)
		plainer[at] = '0'
		if same(plainer) {
			data = plainer
		}
	}
	return data
}
