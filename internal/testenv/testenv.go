// Package testenv is the one place where a test may be left out. It leaves out
// only what this machine cannot do, says what is missing, and fails instead
// when TB_MUST_RUN=1: a run that is meant to be complete shall not be thinned
// out in silence.
package testenv

import (
	"os"
	"runtime"
	"testing"
)

// NetAdmin leaves the test out unless it may create network namespaces,
// interfaces and BPF programs: Linux and root.
func NetAdmin(t testing.TB) {
	t.Helper()
	switch {
	case runtime.GOOS != "linux":
		leaveOut(t, "needs Linux")
	case os.Geteuid() != 0:
		leaveOut(t, "needs root")
	}
}

func leaveOut(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("TB_MUST_RUN") == "1" {
		t.Fatalf("LEFT OUT, but TB_MUST_RUN=1: %s", why)
	}
	t.Skipf("LEFT OUT: %s", why)
}
