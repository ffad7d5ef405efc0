// Package machine looks for what a lab needs of this machine. The verb doctor shows all of it, and a
// lab opens only where nothing vital is missing, so both say the same words.
package machine

import (
	"errors"
	"fmt"
)

// Need is something that a lab needs.
type Need struct {
	Name  string
	Vital bool // no lab without it; otherwise the results suffer
	// Try looks for it. It returns what was found, or an error that says what is missing and the mend.
	Try func() (found string, err error)
}

// Check returns an error that wraps errors.ErrUnsupported if something vital is missing.
func Check() error {
	for _, n := range Needs() {
		if !n.Vital {
			continue
		}
		if _, err := n.Try(); err != nil {
			return fmt.Errorf("%w: %s: %w", errors.ErrUnsupported, n.Name, err)
		}
	}
	return nil
}

// Notes says what is missing from which the results suffer.
func Notes() (notes []string) {
	for _, n := range Needs() {
		if n.Vital {
			continue
		}
		if _, err := n.Try(); err != nil {
			notes = append(notes, fmt.Sprintf("%s: %v.", n.Name, err))
		}
	}
	return notes
}
