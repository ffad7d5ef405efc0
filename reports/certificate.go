package reports

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

var certificateHead = []string{"standard", "known", "measured", "error", "limit", "n", "verdict"}

// standardCells returns the cells of one self-test measurement, in the order of certificateHead.
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

// StandardLine formats one self-test measurement as a line of text for the terminal.
func StandardLine(s result.Standard) string {
	c := standardCells(s)
	name := c[0] + show.Spaces(max(1, 66-utf8.RuneCountInString(c[0])))
	return fmt.Sprintf("%s known %s, measured %s: off by %s of %s allowed: %s", name, c[1], c[2], c[3], c[4], c[6])
}

// certificateTable returns the page's table of self-test measurements, or nil if there are none.
func certificateTable(c *result.Certificate) *tableView {
	if c == nil {
		return nil
	}
	t := &tableView{
		Caption: fmt.Sprintf("What this machine measured of devices of known effect, on %s, with %s", c.Measured.UTC().Format(time.DateOnly), strictjson.Clean(c.Tool.Commit)),
		Head:    certificateHead, Words: []string{"verdict"},
	}
	for _, s := range c.Standards {
		t.Rows = append(t.Rows, standardCells(s))
	}
	return t
}

// certificateText writes how many of the self-test's measurements are within their limits.
func certificateText(w io.Writer, c *result.Certificate) error {
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
