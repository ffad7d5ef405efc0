// Package budget formats the error budget of a machine: what its self-test measured of devices of
// known effect.
package budget

import (
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// Head is the head of the table of measurements; its last column has words.
var Head = []string{"standard", "known", "measured", "error", "limit", "n", "verdict"}

// standardCells returns the cells of one self-test measurement, in the order of Head.
func standardCells(s result.Standard) []string {
	if !s.Valid {
		return []string{strictjson.Clean(s.Name), show.Measure(s.Known, s.Unit), show.None, show.None, show.Measure(s.Limit, s.ErrorUnit), strconv.Itoa(s.N), "not valid"}
	}
	verdict := "within"
	if !s.Within() {
		verdict = "outside"
	}
	return []string{strictjson.Clean(s.Name), show.Measure(s.Known, s.Unit), show.Measure(s.Measured, s.Unit),
		show.Measure(s.Error, s.ErrorUnit), show.Measure(s.Limit, s.ErrorUnit), strconv.Itoa(s.N), verdict}
}

// Line formats one self-test measurement as a line of text for the terminal.
func Line(s result.Standard) string {
	c := standardCells(s)
	name := c[0] + show.Spaces(max(1, 66-utf8.RuneCountInString(c[0])))
	return fmt.Sprintf("%s known %s, measured %s: off by %s of %s allowed: %s", name, c[1], c[2], c[3], c[4], c[6])
}

// Caption is the table's caption.
func Caption(c *result.Certificate) string {
	return fmt.Sprintf("What this machine measured of devices of known effect, on %s, with %s", c.Measured.UTC().Format(time.DateOnly), strictjson.Clean(c.Tool.Commit))
}

// Rows returns the table's rows, one for each measurement.
func Rows(c *result.Certificate) (rows [][]string) {
	for _, s := range c.Standards {
		rows = append(rows, standardCells(s))
	}
	return rows
}

// WriteText writes how many of the self-test's measurements are within their limits.
func WriteText(w io.Writer, c *result.Certificate) error {
	if c == nil {
		return nil
	}
	outside := 0
	for _, s := range c.Standards {
		if !s.Within() {
			outside++
		}
	}
	_, err := fmt.Fprintf(w, "\nerror budget of this machine: %d of %d standards within their limits (tunnelbench certify, %s)\n",
		len(c.Standards)-outside, len(c.Standards), c.Measured.UTC().Format(time.DateOnly))
	return err
}
