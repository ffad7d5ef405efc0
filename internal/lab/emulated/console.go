package emulated

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// parseConsole reads the marked lines of a guest's console.
func parseConsole(r io.Reader) (*result.Counts, []Fault, error) {
	c, done := new(result.Counts), false
	var faults []Fault
	var other []string // the last lines without a mark
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, text, marked := strings.Cut(lines.Text(), Mark)
		if !marked {
			other = lastWords(other, strings.TrimSpace(lines.Text()))
			continue
		}
		var l Line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			return nil, nil, fmt.Errorf("%w: a line that is not understood: %.200q: %w", ErrGuest, text, err)
		}
		switch {
		case l.Cost != nil:
			c.Costs = append(c.Costs, *l.Cost)
		case l.Call != nil:
			c.Calls = append(c.Calls, *l.Call)
		case l.Fault != nil && l.Fault.Device == "":
			return nil, nil, fmt.Errorf("%w: %s", ErrGuest, l.Fault.Reason)
		case l.Fault != nil:
			faults = append(faults, *l.Fault)
		}
		done = done || l.Done
	}
	if err := lines.Err(); err != nil {
		return nil, nil, err
	}
	if !done {
		return nil, nil, fmt.Errorf("%w; its last words: %s", ErrGuest, strings.Join(other, "; "))
	}
	return c, faults, nil
}

// last are the beginnings of lines after which nothing says more.
var last = []string{"Kernel panic", "panic:", "fatal error:"}

// lastWords adds a line of the console to the last ones.
func lastWords(lines []string, text string) []string {
	const most = 3
	says := func(line string) bool {
		for _, word := range last {
			if strings.Contains(line, word) {
				return true
			}
		}
		return false
	}
	switch {
	case text == "" || len(lines) > 0 && says(lines[0]):
		return lines
	case says(text):
		return []string{text}
	}
	return append(lines[max(0, len(lines)-most+1):], text)
}
