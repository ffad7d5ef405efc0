package reports

import (
	"bytes"
	"context"
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// ReadFiles reads results files and fuzz campaigns.
func ReadFiles(ctx context.Context, paths []string) (runs []*result.Results, campaigns []*report.Campaign, err error) {
	for _, path := range paths {
		data, err := bounded.File(ctx, path, strictjson.MaxFile)
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

// WriteHistory draws a gate's history as dir/history.html.
func WriteHistory(runs []gate.HistoryRun, dir string) (name string, err error) {
	page, err := HistoryHTML(runs)
	if err != nil {
		return "", err
	}
	name = filepath.Join(dir, "history.html")
	return name, atomicfile.WriteFile(name, page, 0o644)
}
