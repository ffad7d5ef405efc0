//go:build gofuzz

package header

import "github.com/tunnelbench/tunnelbench/fuzz"

// Fuzz is what go-fuzz-build looks for.
func Fuzz(data []byte) int { return fuzz.Header(data) }
