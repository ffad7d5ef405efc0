package field

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/reports/field"
)

// A script that carries streams is one of those, as a recipe is; all others carry packets.
func TestDescribeCarries(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "relay")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n# tunnelbench: carries=streams\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{"exec:" + path: field.Streams, "recipe:stunnel": field.Streams, "recipe:vxlan": field.Packets, "plain": field.Packets} {
		if got := Describe(t.Context(), labtest.Devices(t, spec)[0], "v1").Carries; got != want {
			t.Errorf("%s carries %s, want %s", spec, got, want)
		}
	}
}
