package mlrsearch

import (
	"fmt"
	"strconv"
	"strings"
)

// Ratio is an exact share in [0,1). It is read from decimal text, so that 0.2 is exactly one
// fifth and a tie is decided as a tie. The zero value is the ratio 0.
type Ratio struct {
	num, den uint64 // den is a power of ten of at most 10^ratioDigits, or 0 for the zero value
}

const ratioDigits = 9

// ParseRatio reads plain decimal text of up to nine decimals, such as "0.5".
func ParseRatio(s string) (Ratio, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.Trim(whole, "0") != "" || whole+fraction == "" {
		return Ratio{}, fmt.Errorf("ratio %q: write a decimal from 0 to below 1, such as 0.5", s)
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > ratioDigits {
		return Ratio{}, fmt.Errorf("ratio %q: write at most %d decimals", s, ratioDigits)
	}
	r := Ratio{den: 1}
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return Ratio{}, fmt.Errorf("ratio %q: write a decimal from 0 to below 1, such as 0.5", s)
		}
		r.num, r.den = 10*r.num+uint64(c-'0'), 10*r.den
	}
	return r, nil
}

// parts are numerator and denominator. The zero value is 0/1.
func (r Ratio) parts() (num, den uint64) { return r.num, max(r.den, 1) }

// Float is the ratio as a float64.
func (r Ratio) Float() float64 {
	num, den := r.parts()
	return float64(num) / float64(den)
}

// String is the decimal text that ParseRatio reads back.
func (r Ratio) String() string { return strconv.FormatFloat(r.Float(), 'f', -1, 64) }

// MarshalJSON writes the ratio as a JSON number.
func (r Ratio) MarshalJSON() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalJSON reads a JSON number as ParseRatio does.
func (r *Ratio) UnmarshalJSON(b []byte) (err error) {
	*r, err = ParseRatio(string(b))
	return err
}
