package netns

import (
	"errors"
	"fmt"
	"os"
)

// CheckRoot returns an error unless the user may open a lab.
func CheckRoot() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: the lab needs root: run it with sudo", errors.ErrUnsupported)
	}
	return nil
}
