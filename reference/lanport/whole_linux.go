package lanport

import (
	"errors"

	"github.com/vishvananda/netlink"
)

// wholeTries is how often a list of the kernel is read if it changes during each reading.
const wholeTries = 20

// whole reads a list of the kernel until it did not change during the reading (NLM_F_DUMP_INTR). A list that
// changed can lack entries. After wholeTries it returns the last list and ErrDumpInterrupted.
func whole[T any](read func() ([]T, error)) (list []T, err error) {
	for range wholeTries {
		if list, err = read(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return list, err
		}
	}
	return list, err
}
