package kv

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// SetFloat reads a finite number.
func SetFloat(to *float64, s string) error {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%q: write a number such as 0.005", s)
	}
	*to = v
	return nil
}

// SetDuration reads a time above zero.
func SetDuration(to *time.Duration, s string) error {
	v, err := time.ParseDuration(s)
	if err != nil || v <= 0 {
		return fmt.Errorf("%q: write a time above zero such as 500ms or 21s", s)
	}
	*to = v
	return nil
}

// FormatFloat formats a number with at most digits decimals, without zeros at its end.
func FormatFloat(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
