package rfc2544

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseFields reads "key=value,key=value". A key that comes twice is an error.
func parseFields(s string) (map[string]string, error) {
	fields := map[string]string{}
	for field := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if !ok || key == "" || value == "" {
			return nil, fmt.Errorf("%q: write key=value,key=value", field)
		}
		if _, twice := fields[key]; twice {
			return nil, fmt.Errorf("key %q comes twice: keep one", key)
		}
		fields[key] = value
	}
	return fields, nil
}

func setFloat(to *float64, s string) error {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%q: write a number such as 0.005", s)
	}
	*to = v
	return nil
}

func setDuration(to *time.Duration, s string) error {
	v, err := time.ParseDuration(s)
	if err != nil || v <= 0 {
		return fmt.Errorf("%q: write a time above zero such as 500ms or 21s", s)
	}
	*to = v
	return nil
}
