// Package testenv is the only package that may skip a test. It skips tests that this machine
// cannot run, and says what is missing. With TB_MUST_RUN=1 it fails them instead, so that a
// complete run cannot silently become smaller.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
)

// errElsewhere means that lab tests cannot run here: the system is not Linux or the user is not
// root.
var errElsewhere = errors.New("not a machine for the lab")

// missing is a feature that the kernel does not have, or that this process may not use.
type missing struct {
	feature string
	err     error
}

func (m missing) Error() string { return m.feature + ": " + m.err.Error() }

func (m missing) Unwrap() error { return m.err }

// feature is a kernel feature that the lab needs.
type feature struct {
	name  string
	probe func() error
}

// NetAdmin skips the test on other systems than Linux and for other users than root. For root on
// Linux it fails the test if network namespaces or BPF programs do not work, and names the missing
// feature.
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

// firstMissing returns the first feature that does not work, as a missing, or nil.
func firstMissing(all []feature) error {
	for _, f := range all {
		if err := f.probe(); err != nil {
			return missing{f.name, err}
		}
	}
	return nil
}

// Optional skips the test if err says that an optional part is not installed (errors.ErrUnsupported);
// with TB_OPTIONAL=1 it fails the test instead. Any other error fails the test.
func Optional(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errors.ErrUnsupported) && os.Getenv("TB_OPTIONAL") != "1":
		t.Skipf("LEFT OUT: %v", err)
	default:
		t.Fatal(err)
	}
}

// Foreign skips the test if err says that a compiler of another language, or what it has to fetch, is not to be had
// here (errors.ErrUnsupported): no step of CI installs them. Any other error fails the test.
func Foreign(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errors.ErrUnsupported):
		t.Skipf("LEFT OUT: %v", err)
	default:
		t.Fatal(err)
	}
}

func leaveOut(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("TB_MUST_RUN") == "1" {
		t.Fatalf("LEFT OUT, but TB_MUST_RUN=1: %s", why)
	}
	t.Skipf("LEFT OUT: %s", why)
}
