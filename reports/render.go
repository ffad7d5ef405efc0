package reports

import (
	"bytes"
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// WriteHTML writes report.html to path atomically.
func WriteHTML(path string, runs []*result.Results, campaigns []*report.Campaign) error {
	var b bytes.Buffer
	if err := HTMLWith(&b, runs, campaigns); err != nil {
		return err
	}
	return atomicfile.WriteFile(path, b.Bytes(), 0o644)
}

// WritePage writes the page report.html and the charts into a directory, and returns the page's path
// and the number of charts.
func WritePage(dir string, runs []*result.Results, campaigns []*report.Campaign) (page string, drawn int, err error) {
	page = filepath.Join(dir, "report.html")
	if err := WriteHTML(page, runs, campaigns); err != nil {
		return page, 0, err
	}
	paths, err := charts.WritePNGs(dir, runs...)
	return page, len(paths), err
}
