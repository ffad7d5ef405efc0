package metrics

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

const operate = "../../docs/operate/"

// The alert rules fire when they should, by their own test.
func TestAlerts(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "promtool", "prometheus")
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = operate
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// Dashboard and alerts name only metrics that there are.
func TestNamesExist(t *testing.T) {
	t.Parallel()
	there := scrape(t, sealed(1), openMetrics)
	name := regexp.MustCompile(`tunnelbench_tunnel_[a-z_]+`)
	for _, file := range []string{"dashboard.json", "alerts.yml", "alerts_test.yml"} {
		text, err := os.ReadFile(operate + file)
		if err != nil {
			t.Fatal(err)
		}
		names := name.FindAllString(string(text), -1)
		if len(names) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, n := range names {
			if !strings.Contains(there, "# TYPE "+strings.TrimSuffix(n, "_total")+" ") {
				t.Errorf("%s: there is no %s", file, n)
			}
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(text) {
			t.Errorf("%s is no JSON", file)
		}
	}
}
