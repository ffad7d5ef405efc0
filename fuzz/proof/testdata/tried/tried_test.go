// Package tried has tests for a test of the proof.
package tried

import (
	"os"
	"testing"
)

func TestNotices(t *testing.T) {
	if os.Getenv("TB_PLANTED") != "" {
		t.Error("a planted bug")
	}
}

func TestOverlooks(*testing.T) {}
