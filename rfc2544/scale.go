package rfc2544

import (
	"fmt"
	"slices"
)

// NameScale is the name of the test with many tunnels at once.
const NameScale = "scale"

// networksName returns the name of the throughput over n networks.
func networksName(n int) string { return fmt.Sprintf("throughput_%d_networks", n) }

// Degradation returns how much worse a value of many tunnels is than the value of one, in percent
// (RFC 8219 section 10.2.1). better is 1 if higher values are better and -1 if lower ones are.
func Degradation(one, many float64, better int) float64 {
	if one == 0 {
		return 0
	}
	return float64(better) * (one - many) / one * 100
}

// Scale compares the throughput of n tunnels, all started together, with that of one.
// Both are outcomes of RunThroughput for the same frame size and flows. It
// yields throughput_1_tunnel, throughput_8_tunnels, for example, and
// throughput_degradation in percent.
func Scale(n int, one, many Outcome) Outcome {
	out := newOutcome(NameScale)
	out.Trials = append(append(out.Trials, one.Trials...), many.Trials...)
	out.Warnings = append(append(out.Warnings, one.Warnings...), many.Warnings...)
	out.fallShort(append(slices.Clone(one.Shortfalls), many.Shortfalls...))
	out.Valid = one.Valid && many.Valid
	if len(one.Values) == 0 || len(many.Values) == 0 {
		out.fail("no throughput to compare")
		return out
	}
	a, b := one.Values[0], many.Values[0]
	worse := Degradation(a.Value, b.Value, higherBetter)
	a.Name, b.Name = tunnelsName(a.Name, 1), tunnelsName(b.Name, n)
	out.Values = append(out.Values, a, b, Value{Name: "throughput_degradation", Unit: unitPercent, Value: worse, N: n, Better: lowerBetter})
	return out
}

func tunnelsName(name string, n int) string {
	base, short := name, ""
	if cut := len(name) - len(Short); cut > 0 && name[cut:] == Short {
		base, short = name[:cut], Short
	}
	plural := "s"
	if n == 1 {
		plural = ""
	}
	return fmt.Sprintf("%s_%d_tunnel%s%s", base, n, plural, short)
}

// No suite runs it: it compares two devices.
var _ = register(Test{Name: NameScale, Title: "Many tunnels", Section: "RFC 8219, 10", Order: 130})
