package charts

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// WritePNGs draws the charts of the runs into dir, one file each, and returns their paths in page
// order. If there are several runs, each name begins with the number of its run. Files are written
// atomically.
func WritePNGs(dir string, runs ...*result.Results) (paths []string, err error) {
	for i, r := range runs {
		at := ""
		if len(runs) > 1 {
			at = fmt.Sprintf("run%d-", i+1)
		}
		these, err := writePNGs(dir, at, r)
		paths = append(paths, these...)
		if err != nil {
			return paths, err
		}
	}
	return paths, nil
}

func writePNGs(dir, at string, r *result.Results) (paths []string, err error) {
	m := matrix.NewMatrix(r)
	for _, c := range Charts(r, m, figure.PngBars) {
		data, err := figure.PngOf(c, subtitle(r, m))
		if err != nil {
			return paths, err
		}
		path := filepath.Join(dir, at+c.ID+".png")
		if err := atomicfile.WriteFile(path, data, 0o644); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// subtitle names the source of a chart, since pictures are shared without their page.
func subtitle(r *result.Results, m *matrix.Matrix) string {
	parts := []string{"tunnelbench " + r.Tool.Version, "profile " + r.Profile, r.Host.CPU, "Linux " + r.Host.Kernel}
	if len(m.Rows) > 0 && m.Rows[0].Direction != "" {
		parts = append(parts, m.Rows[0].Direction)
	}
	return strictjson.Short(strings.Join(parts, " · "), 110)
}
