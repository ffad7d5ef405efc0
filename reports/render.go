package reports

import (
	"bytes"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// WriteHTML writes report.html to path atomically.
func WriteHTML(path string, runs []*result.Results, campaigns []*report.Campaign) error {
	var b bytes.Buffer
	if err := HTMLWith(&b, runs, campaigns); err != nil {
		return err
	}
	return result.WriteFile(path, b.Bytes())
}
