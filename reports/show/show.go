// Package show formats numbers, times and command lines for tables and pages.
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

// Signs for numbers: no-break spaces before a unit and between thousands, a minus sign, and a dash
// for a missing value. The decimal sign is a point in every locale.
const (
	Nbsp  = "\u00a0"
	Thin  = "\u202f"
	Minus = "\u2212"
	None  = "–"
)

// Digits formats v with at least three significant digits, its whole integer part and at most two
// decimals. It separates thousands by sep.
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

// Fixed formats v with a fixed number of decimals, so that the numbers of a column line up.
func Fixed(v float64, decimals int, sep string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return None
	}
	return group(strconv.FormatFloat(v, 'f', decimals, 64), sep)
}

// group separates the thousands of a decimal number.
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

// Count formats a number of things with separated thousands.
func Count(n uint64) string { return group(strconv.FormatUint(n, 10), Thin) }

// Percent formats a ratio as a percentage.
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

// Micros formats a duration in microseconds, without the unit.
func Micros(d time.Duration) string { return Digits(float64(d)/1e3, Thin) }

// Span formats a duration with the unit that fits best.
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

// SignedSpan formats nanoseconds, which may be negative, like Span.
func SignedSpan(ns float64) string {
	if ns < 0 {
		return Minus + Span(time.Duration(-ns))
	}
	return Span(time.Duration(ns))
}

// Kilo formats a rate in thousands, so that a whole table has one unit.
func Kilo(v float64) string {
	k := v / 1e3
	if k != 0 && math.Abs(k) < 9.95 {
		return Fixed(k, 2, Thin)
	}
	return Fixed(k, 1, Thin)
}

// Engineering formats an axis label, such as 50k or 1M.
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

// ShellLine joins arguments into a command line, quoted for a shell.
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

// Engineering3 formats a count with three digits, such as 1.2M.
func Engineering3(v float64) string {
	if v > 0 {
		scale := math.Pow(10, math.Floor(math.Log10(v))-2)
		v = math.Round(v/scale) * scale
	}
	return Engineering(v)
}

// BitText formats the speed of a link, such as 1 Gbit/s.
func BitText(b rfc2544.BitRate) string {
	s := Engineering(float64(b))
	number := strings.TrimRight(s, "kMG")
	return number + Nbsp + s[len(number):] + "bit/s"
}

// PlainText replaces the special spaces and the minus sign by ASCII.
var PlainText = strings.NewReplacer(Nbsp, " ", Thin, "", Minus, "-")

// Spaces returns n spaces, or none if n is negative.
func Spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

// MaxName is the longest name that a table shows in full, in characters.
const MaxName = 24
