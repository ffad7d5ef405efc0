package emulated

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// said is what a guest said.
type said struct {
	counts *result.Counts
	faults []Fault
}

// parseConsole reads the marked lines of a guest's console, and calls onCell at each with a cell.
func parseConsole(r io.Reader, onCell func(interop.Cell)) (all said, err error) {
	all.counts = new(result.Counts)
	done := false
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
			return all, fmt.Errorf("%w: a line that is not understood: %.200q: %w", ErrGuest, text, err)
		}
		switch {
		case l.Cost != nil:
			all.counts.Costs = append(all.counts.Costs, *l.Cost)
		case l.Call != nil:
			all.counts.Calls = append(all.counts.Calls, *l.Call)
		case l.Cell != nil:
			onCell(*l.Cell)
		case l.Fault != nil && l.Fault.Device == "":
			return all, fmt.Errorf("%w: %s", ErrGuest, l.Fault.Reason)
		case l.Fault != nil:
			all.faults = append(all.faults, *l.Fault)
		}
		done = done || l.Done
	}
	if err := lines.Err(); err != nil {
		return all, err
	}
	if !done {
		return all, fmt.Errorf("%w; its last words: %s", ErrGuest, strings.Join(other, "; "))
	}
	return all, nil
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
