package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// format writes runs for other programs.
type format struct {
	name  string
	write func(runs []*result.Results) ([]byte, error)
}

// formats are the registered formats.
var formats []format

// register adds a format. Each format's file calls it, so that a new format is one file.
func register(name string, write func([]*result.Results) ([]byte, error)) string {
	formats = append(formats, format{name, write})
	slices.SortFunc(formats, func(a, b format) int { return strings.Compare(a.name, b.name) })
	return name
}

// Formats returns the names of all formats.
func Formats() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Format writes the runs for other programs, one run after the other, without comparing machines.
func Format(name string, runs []*result.Results) ([]byte, error) {
	for _, f := range formats {
		if f.name == name {
			return f.write(runs)
		}
	}
	return nil, fmt.Errorf("format %q: use %s", name, strings.Join(Formats(), ", "))
}

// hostOf returns a short description of the machine.
func hostOf(r *result.Results) string { return r.Host.Summary() }
