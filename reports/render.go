package reports

import "bytes"

// WriteHTML writes report.html at path, whole or not at all.
func WriteHTML(path string, runs ...*Results) error {
	var b bytes.Buffer
	if err := HTML(&b, runs...); err != nil {
		return err
	}
	return WriteFile(path, b.Bytes())
}
