package reports

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Spaces that do not break: between a number and its unit, and between
// thousands. Decimal points and the rest are the same in every locale.
const (
	Nbsp  = "\u00a0"
	thin  = "\u202f"
	minus = "\u2212"
	none  = "–"
)

// digits writes v with three significant digits at least, all of its integer
// part, and no more than two decimals; thousands are set apart by sep.
func digits(v float64, sep string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return none
	}
	decimals := 0
	switch a := math.Abs(v); {
	case a == 0 || a >= 999.5:
	case a >= 99.95:
		decimals = 1
	case a >= 9.995:
		decimals = 1
	default:
		decimals = 2
	}
	return group(strconv.FormatFloat(v, 'f', decimals, 64), sep)
}

// fixed writes v with a set number of decimals, so that a column lines up.
func fixed(v float64, decimals int, sep string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return none
	}
	return group(strconv.FormatFloat(v, 'f', decimals, 64), sep)
}

// group sets thousands apart in a plain decimal number.
func group(s, sep string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = minus, s[1:]
	}
	whole, rest, found := strings.Cut(s, ".")
	if found {
		rest = "." + rest
	}
	if len(whole) < 5 {
		return sign + whole + rest
	}
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(sep)
		}
		b.WriteRune(c)
	}
	return sign + b.String() + rest
}

func count(n uint64) string { return group(strconv.FormatUint(n, 10), thin) }

// percent writes a ratio as a percentage.
func percent(ratio float64) string {
	v := ratio * 100
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case a >= 9.95 || a == 0:
		return fixed(v, 0, thin) + Nbsp + "%"
	case a >= 0.095:
		return fixed(v, 1, thin) + Nbsp + "%"
	case a >= 0.0005:
		return fixed(v, 3, thin) + Nbsp + "%"
	}
	return "<" + thin + "0.001" + Nbsp + "%"
}

// micros is a duration in microseconds, without the unit.
func micros(d time.Duration) string { return digits(float64(d)/1e3, thin) }

// span writes a duration in the unit people read it in.
func span(d time.Duration) string {
	v := float64(d)
	switch {
	case d == 0:
		return "0"
	case d < time.Microsecond:
		return digits(v, thin) + Nbsp + "ns"
	case d < time.Millisecond:
		return digits(v/1e3, thin) + Nbsp + "µs"
	case d < time.Second:
		return digits(v/1e6, thin) + Nbsp + "ms"
	}
	return strings.TrimSuffix(digits(v/1e9, thin), ".00") + Nbsp + "s"
}

// signedSpan writes nanoseconds that may be negative.
func signedSpan(ns float64) string {
	if ns < 0 {
		return minus + span(time.Duration(-ns))
	}
	return span(time.Duration(ns))
}

// kilo writes a rate in thousands: one unit for a whole table.
func kilo(v float64) string {
	k := v / 1e3
	if k != 0 && math.Abs(k) < 9.95 {
		return fixed(k, 2, thin)
	}
	return fixed(k, 1, thin)
}

// engineering writes an axis label: 50k, 1M.
func engineering(v float64) string {
	trim := func(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
	switch a := math.Abs(v); {
	case a >= 1e9:
		return trim(v/1e9) + "G"
	case a >= 1e6:
		return trim(v/1e6) + "M"
	case a >= 1e3:
		return trim(v/1e3) + "k"
	}
	return trim(v)
}

// shellLine joins a command line so that a shell reads it back.
func shellLine(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		a = strictjson.Clean(a)
		if a == "" || strings.ContainsFunc(a, needsQuote) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}

func needsQuote(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_=+,./:%@", r)
}

// engineering3 writes a count with three digits: 1.2M.
func engineering3(v float64) string {
	if v > 0 {
		scale := math.Pow(10, math.Floor(math.Log10(v))-2)
		v = math.Round(v/scale) * scale
	}
	return engineering(v)
}

// bitText writes the speed of a link: 1 Gbit/s.
func bitText(b rfc2544.BitRate) string {
	s := engineering(float64(b))
	number := strings.TrimRight(s, "kMG")
	return number + Nbsp + s[len(number):] + "bit/s"
}
