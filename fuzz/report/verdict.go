package report

import (
	"errors"
	"fmt"
)

// Errors of attacks, on decoders and on running tunnels, that did not end clean.
var (
	ErrFinding   = errors.New("finding")
	ErrNoVerdict = errors.New("no verdict")
)

// Err returns nil for a clean campaign. Otherwise it wraps ErrFinding, or ErrNoVerdict if nothing was found
// but not every target was attacked to the end.
func (c *Campaign) Err() error {
	switch findings, short := c.Findings(), c.Unfinished(); {
	case findings > 0:
		return fmt.Errorf("%w: %d in %d targets", ErrFinding, findings, len(c.Targets))
	case short > 0:
		return fmt.Errorf("%w: %d of %d targets were not attacked to the end", ErrNoVerdict, short, len(c.Targets))
	}
	return nil
}
