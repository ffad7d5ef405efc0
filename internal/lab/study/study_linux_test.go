package main

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// The comparison names every control and says of every device what each leaves.
func TestCompareControls(t *testing.T) {
	testenv.NetAdmin(t)
	var out strings.Builder
	args := []string{"--controls", "plain,vxlan", "--dut", "vxlan", "--for", "4s", "--slices", "2"}
	err := compareControls(t.Context(), args, &out)
	if errors.Is(err, errDisturbed) && strings.Contains(out.String(), "blocks without disturbance") {
		t.Logf("another program is busy on this machine, and the command says so: %v", err)
		return
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	want := []string{"unexplained, %", "raw", "plain", "vxlan", "core_speed", "arithmetic", "arithmetic on both", "memory", "handover"}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if diff := cmp.Diff(want, columns(lines[len(lines)-2])); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	row := regexp.MustCompile(`^vxlan +\d+\.\d +\d+\.\d +-( +\d+\.\d){5}$`)
	if last := lines[len(lines)-1]; !row.MatchString(last) {
		t.Errorf("last line %q, want a number for each control", last)
	}
}

// columns splits a line of a table.
func columns(line string) []string { return regexp.MustCompile(` {2,}`).Split(line, -1) }

func TestCompareControlsRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown control":       {[]string{"--controls", "plane"}, "plane"},
		"a device that is unknown": {[]string{"--dut", "tunel"}, "tunel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := compareControls(t.Context(), c.args, os.Stderr)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that names %s", err, c.want)
			}
		})
	}
}
