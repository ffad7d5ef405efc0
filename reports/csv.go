package reports

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

var _ = register("csv", formatCSV)

// formatCSV writes a line per value, without cells that a spreadsheet reads as a formula.
func formatCSV(runs []*result.Results) ([]byte, error) {
	var b bytes.Buffer
	var t texttab.Table
	for _, title := range []string{"host", "started", "profile", "dut", "kind", "direction", "frame_size", "test", "name", "value", "unit", "lower", "upper", "valid", "limited_by"} {
		t.Columns = append(t.Columns, texttab.Left(title))
	}
	for _, r := range runs {
		for i := range r.Results {
			res := &r.Results[i]
			for _, v := range res.Values {
				t.Add(
					plain(hostOf(r)), r.Started.UTC().Format("2006-01-02T15:04:05Z"), plain(r.Profile), plain(res.DUT), plain(res.Kind), plain(res.Direction),
					strconv.Itoa(int(res.FrameSize)), plain(res.Test), plain(v.Name), exact(&v.Value), plain(v.Unit), exact(v.Lower), exact(v.Upper),
					strconv.FormatBool(res.Valid), plain(res.LimitedBy),
				)
			}
		}
	}
	err := t.CSV(&b)
	return b.Bytes(), err
}

// plain returns text that no spreadsheet reads as a formula.
func plain(s string) string {
	s = strictjson.Clean(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// exact formats a number without loss; nil gives an empty string.
func exact(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}
