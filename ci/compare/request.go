package compare

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/oneline"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Devices parses device specs. A device may occur twice, to compare it with itself; its names are
// then numbered. Two different programs must not have the same name.
func Devices(specs []string) (devices []dut.Device, names []string, err error) {
	seen := map[string]string{}
	times := map[string]int{}
	for _, spec := range specs {
		d, err := dut.Parse(spec)
		if err != nil {
			return nil, nil, err
		}
		if d.Up == nil {
			return nil, nil, fmt.Errorf("ab %s: there is no device to compare", d.Spec)
		}
		if other, known := seen[d.Spec]; known && other != spec {
			return nil, nil, fmt.Errorf("ab: %s and %s have the same name, %s: rename one of the files", other, spec, d.Spec)
		}
		seen[d.Spec] = spec
		name := d.Spec
		if times[name]++; times[name] > 1 {
			name = fmt.Sprintf("%s#%d", name, times[name])
		}
		devices, names = append(devices, d), append(names, name)
	}
	return devices, names, nil
}

// ParseMetrics parses a comma-separated list of metric names.
func ParseMetrics(list string) ([]string, error) {
	all, _ := Metrics()
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(all, name) || slices.Contains(names, name) {
			return nil, fmt.Errorf("%q: each once, of %s", name, strings.Join(all, ", "))
		}
		names = append(names, name)
	}
	return names, nil
}

// CheckStreams returns an error if a device has no room for the hosts of a TCP connection behind
// its ends.
func (p Plan) CheckStreams() error {
	for i, d := range p.Devices {
		if d.Network != nil && slices.Contains(p.Metrics, StreamMetric) {
			return fmt.Errorf("stream_goodput: %s joins the tester's ports, and streams need hosts that it routes between", p.Names[i])
		}
	}
	return nil
}

// CheckBuilds starts each build of another program once, to see that it runs.
func CheckBuilds(ctx context.Context, devices []dut.Device) error {
	for _, d := range devices {
		if d.Build == "" {
			continue
		}
		if why := buildFault(ctx, d.Build); why != "" {
			return fmt.Errorf("%s: the build does not start: %s version: %s", d.Spec, d.Build, why)
		}
	}
	return nil
}

// buildFault returns why a build does not start, or an empty string.
func buildFault(ctx context.Context, path string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.WaitDelay = time.Second // a child process may still hold its output
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		return err.Error()
	case !strings.HasPrefix(string(out), "tunnelbench"):
		return fmt.Sprintf("says %q, as no tunnelbench does", oneline.First(string(out)))
	}
	return ""
}
