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

// Sysctls are machine-wide settings that a lab changes while it is open, by their file below /proc/sys.
//
// netdev_max_backlog: with the longer queue in front of the kernel's receive path no frame is lost
// when the hypervisor takes a core for some milliseconds. With the default of 1000 it depends on
// chance.
//
// sched_autogroup_enabled: autogroups give every session an equal share of a core, whatever the
// priority of its processes. A soaker would then take half of the device's core (sched(7), "The
// autogroup feature").
var Sysctls = []struct{ Key, Value string }{
	{"net/core/netdev_max_backlog", "30000"},
	{"kernel/sched_autogroup_enabled", "0"},
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
