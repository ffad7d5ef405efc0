// Package testenv is the only package that may skip a test. It skips what this machine cannot do
// and says what is missing. With TB_MUST_RUN=1 it fails instead: a complete run must not become
// smaller without anybody noticing.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
)

// errElsewhere is a test run that cannot be one of the lab: another system, or a user who is not root.
var errElsewhere = errors.New("not a machine for the lab")

// missing is a feature that the kernel does not have, or that this process may not use.
type missing struct {
	feature string
	err     error
}

func (m missing) Error() string { return m.feature + ": " + m.err.Error() }

func (m missing) Unwrap() error { return m.err }

// feature is something that the lab asks of the kernel.
type feature struct {
	name  string
	probe func() error
}

// NetAdmin leaves the test out on other systems than Linux and for other users than root. As root on
// Linux it fails, and names the feature, when network namespaces or BPF programs cannot be had: there
// the test was meant to run.
func NetAdmin(t testing.TB) {
	t.Helper()
	switch err := netAdmin(); {
	case err == nil:
	case errors.Is(err, errElsewhere):
		leaveOut(t, err.Error())
	default:
		t.Fatalf("this kernel or container cannot run the lab: %v", err)
	}
}

// netAdmin probes once for the whole test binary.
var netAdmin = sync.OnceValue(func() error {
	switch {
	case runtime.GOOS != "linux":
		return fmt.Errorf("%w: needs Linux", errElsewhere)
	case os.Geteuid() != 0:
		return fmt.Errorf("%w: needs root", errElsewhere)
	}
	return firstMissing(features)
})

// firstMissing is the first feature that cannot be had, as a missing; nil when there is none.
func firstMissing(all []feature) error {
	for _, f := range all {
		if err := f.probe(); err != nil {
			return missing{f.name, err}
		}
	}
	return nil
}

func leaveOut(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("TB_MUST_RUN") == "1" {
		t.Fatalf("LEFT OUT, but TB_MUST_RUN=1: %s", why)
	}
	t.Skipf("LEFT OUT: %s", why)
}
