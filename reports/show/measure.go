package show

import (
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// Measure returns a value with its unit, to a thousandth and without zeros at the end.
func Measure(v float64, unit string) string {
	text := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(v, 'f', 3, 64), "0"), ".")
	if text == "-0" {
		text = "0"
	}
	if unit == "frames in a wrong place" { // the column title already names it
		unit = "frames"
	}
	return text + " " + strictjson.Clean(unit)
}
