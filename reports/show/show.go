// Package show writes numbers, times and command lines as people read them in tables and on pages.
package show

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
	Thin  = "\u202f"
	Minus = "\u2212"
	None  = "–"
)

// Digits writes v with three significant digits at least, all of its integer
// part, and no more than two decimals; thousands are set apart by sep.
func Digits(v float64, sep string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return None
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

// Fixed writes v with a set number of decimals, so that a column lines up.
func Fixed(v float64, decimals int, sep string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return None
	}
	return group(strconv.FormatFloat(v, 'f', decimals, 64), sep)
}

// group sets thousands apart in a plain decimal number.
func group(s, sep string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = Minus, s[1:]
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

// Count is a number of things, thousands set apart.
func Count(n uint64) string { return group(strconv.FormatUint(n, 10), Thin) }

// Percent writes a ratio as a percentage.
func Percent(ratio float64) string {
	v := ratio * 100
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return None
	case a >= 9.95 || a == 0:
		return Fixed(v, 0, Thin) + Nbsp + "%"
	case a >= 0.095:
		return Fixed(v, 1, Thin) + Nbsp + "%"
	case a >= 0.0005:
		return Fixed(v, 3, Thin) + Nbsp + "%"
	}
	return "<" + Thin + "0.001" + Nbsp + "%"
}

// Micros is a duration in microseconds, without the unit.
func Micros(d time.Duration) string { return Digits(float64(d)/1e3, Thin) }

// Span writes a duration in the unit people read it in.
func Span(d time.Duration) string {
	v := float64(d)
	switch {
	case d == 0:
		return "0"
	case d < time.Microsecond:
		return Digits(v, Thin) + Nbsp + "ns"
	case d < time.Millisecond:
		return Digits(v/1e3, Thin) + Nbsp + "µs"
	case d < time.Second:
		return Digits(v/1e6, Thin) + Nbsp + "ms"
	}
	return strings.TrimSuffix(Digits(v/1e9, Thin), ".00") + Nbsp + "s"
}

// SignedSpan writes nanoseconds that may be negative.
func SignedSpan(ns float64) string {
	if ns < 0 {
		return Minus + Span(time.Duration(-ns))
	}
	return Span(time.Duration(ns))
}

// Kilo writes a rate in thousands: one unit for a whole table.
func Kilo(v float64) string {
	k := v / 1e3
	if k != 0 && math.Abs(k) < 9.95 {
		return Fixed(k, 2, Thin)
	}
	return Fixed(k, 1, Thin)
}

// Engineering writes an axis label: 50k, 1M.
func Engineering(v float64) string {
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

// ShellLine joins a command line so that a shell reads it back.
func ShellLine(args []string) string {
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

// Engineering3 writes a count with three digits: 1.2M.
func Engineering3(v float64) string {
	if v > 0 {
		scale := math.Pow(10, math.Floor(math.Log10(v))-2)
		v = math.Round(v/scale) * scale
	}
	return Engineering(v)
}

// BitText writes the speed of a link: 1 Gbit/s.
func BitText(b rfc2544.BitRate) string {
	s := Engineering(float64(b))
	number := strings.TrimRight(s, "kMG")
	return number + Nbsp + s[len(number):] + "bit/s"
}

// PlainText has no special spaces.
var PlainText = strings.NewReplacer(Nbsp, " ", Thin, "", Minus, "-")

// Spaces are n of them; none for a negative n.
func Spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

// MaxName is the longest name a table shows whole.
const MaxName = 24
