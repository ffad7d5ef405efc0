//go:build !linux

package machine

import "errors"

// Needs returns one need that this system does not meet.
func Needs() []Need {
	return []Need{{"system", true, func() (string, error) { return "", errors.New("network namespaces need Linux") }}}
}
