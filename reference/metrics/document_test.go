package metrics

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// The table of the document has every metric of a sealed tunnel, with its labels, and no other.
func TestDocumentHasAllMetrics(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	r.MustRegister(NewCollector(sealed(1)))
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string][]string{}
	for _, f := range families {
		labels := []string{}
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		there[strings.TrimPrefix(f.GetName(), prefix)] = labels
	}
	text, err := os.ReadFile(operate + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| metric | labels | is |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	word, label := regexp.MustCompile("`([a-z_]+)`"), regexp.MustCompile("`([a-z]+)`")
	said := map[string][]string{}
	for _, row := range strings.Split(table, "\n")[1:] {
		cells := strings.Split(row, "|")
		labels := []string{}
		for cell := range strings.SplitSeq(cells[2], ",") {
			if l := label.FindStringSubmatch(cell); l != nil {
				labels = append(labels, l[1])
			}
		}
		slices.Sort(labels)
		for _, name := range word.FindAllStringSubmatch(cells[1], -1) {
			said[name[1]] = labels
		}
	}
	if diff := cmp.Diff(there, said); diff != "" {
		t.Errorf("(-there +document):\n%s", diff)
	}
}

// A panel by peer has at most ten lines, however many peers there are, and says which unit it has.
func TestDashboardByPeer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(operate + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title       string
			FieldConfig struct{ Defaults struct{ Unit string } }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	units := map[string]bool{}
	for _, p := range board.Panels {
		units[p.FieldConfig.Defaults.Unit] = true
		bits := p.FieldConfig.Defaults.Unit == "bps"
		for _, target := range p.Targets {
			if strings.Contains(target.Expr, prefix+"peer_") && !strings.HasPrefix(target.Expr, "topk(10, ") {
				t.Errorf("%s: a line for each peer", p.Title)
			}
			if bits && (!strings.Contains(target.Expr, "8 * rate(") || strings.Contains(p.Title, "Bytes")) {
				t.Errorf("%s: the unit is bit/s", p.Title)
			}
		}
	}
	if !units["bps"] {
		t.Errorf("no panel has bit/s: %v", slices.Sorted(maps.Keys(units)))
	}
}
