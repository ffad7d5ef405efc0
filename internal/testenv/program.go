package testenv

import (
	"errors"
	"fmt"
	"os/exec"
	"testing"
)

// Program skips the test, as Optional does, if a program is not installed. It names the package that has it.
func Program(t testing.TB, name, distribution string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		Optional(t, fmt.Errorf("%s: apt install %s: %w", name, distribution, errors.ErrUnsupported))
	}
}
