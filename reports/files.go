package reports

import (
	"path/filepath"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
)

// WriteHistory draws a gate's history as dir/history.html.
func WriteHistory(runs []gate.HistoryRun, dir string) (name string, err error) {
	page, err := HistoryHTML(runs)
	if err != nil {
		return "", err
	}
	name = filepath.Join(dir, "history.html")
	return name, atomicfile.WriteFile(name, page, 0o644)
}
