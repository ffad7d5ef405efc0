package reports

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// ReadFiles reads results files and fuzz campaigns.
func ReadFiles(paths []string) (runs []*result.Results, campaigns []*report.Campaign, err error) {
	for _, path := range paths {
		data, err := readFile(path)
		if err != nil {
			return nil, nil, err
		}
		if report.IsCampaign(data) {
			c, err := report.Read(bytes.NewReader(data), path)
			if err != nil {
				return nil, nil, err
			}
			campaigns = append(campaigns, c)
			continue
		}
		r, err := result.Read(bytes.NewReader(data), path)
		if err != nil {
			return nil, nil, err
		}
		runs = append(runs, r)
	}
	return runs, campaigns, nil
}

// readFile reads at most one byte more than the readers accept.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, strictjson.MaxFile+1))
}

// WriteHistory draws the gate's history at path as dir/history.html.
func WriteHistory(path, dir string) (name string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	runs, err := gate.ReadHistory(f, path)
	if err != nil {
		return "", err
	}
	page, err := HistoryHTML(runs)
	if err != nil {
		return "", err
	}
	name = filepath.Join(dir, "history.html")
	return name, atomicfile.WriteFile(name, page, 0o644)
}
