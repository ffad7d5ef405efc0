package ci

import (
	"os/exec"
	"testing"
)

// The change that the studies of the gate plant has a place in this tree.
func TestSlowdownApplies(t *testing.T) {
	cmd := exec.Command("git", "apply", "--check", "ci/slowdown.patch")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("git apply: %v: %s", err, out)
	}
}
