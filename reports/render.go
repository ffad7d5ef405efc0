package reports

import "bytes"

// WriteHTML writes report.html at path, whole or not at all.
func WriteHTML(path string, r *Results) error {
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		return err
	}
	return WriteFile(path, b.Bytes())
}
