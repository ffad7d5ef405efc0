package reports

import "bytes"

// WriteHTML writes report.html at path, whole or not at all.
func WriteHTML(path string, runs []*Results, campaigns []*Fuzz) error {
	var b bytes.Buffer
	if err := HTMLWith(&b, runs, campaigns); err != nil {
		return err
	}
	return WriteFile(path, b.Bytes())
}
