package reports

import (
	"bytes"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
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
