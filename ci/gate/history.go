package gate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// HistorySchema is the schema version of a line of a gate's history.
const HistorySchema = "tunnelbench.history/1"

// Limits of a history file: the number of lines, and the bytes of one line.
const (
	mostHistory     = 100_000
	mostHistoryLine = 64 << 10
)

// HistoryRun is one line of a gate's history: one run. It holds ratios, because absolute values of
// different days are not comparable.
type HistoryRun struct {
	Schema     string          `json:"schema"`
	Started    time.Time       `json:"started"`
	Host       string          `json:"host"` // description of the machine; runs of different machines are drawn separately
	Device     string          `json:"device"`
	Base       string          `json:"base"` // the revision as the user named it
	BaseCommit string          `json:"base_commit"`
	HeadCommit string          `json:"head_commit"`
	Verdict    string          `json:"verdict"`
	Pairs      int             `json:"pairs"`
	Metrics    []HistoryMetric `json:"metrics"`
}

// HistoryMetric is the ratio of head to base, with its bounds.
type HistoryMetric struct {
	ID      string  `json:"id"`
	Better  int     `json:"better"`
	Ratio   float64 `json:"ratio"`
	Lower   float64 `json:"lower"`
	Upper   float64 `json:"upper"`
	Verdict string  `json:"verdict"`
}

// HistoryLine returns the history line of a report, including the newline. It leaves out metrics
// without a ratio.
func HistoryLine(g *Report, started time.Time) ([]byte, error) {
	run := HistoryRun{
		Schema: HistorySchema, Started: started.UTC(), Host: result.Cut(g.Host.Summary()), Device: result.Cut(g.Device), Base: result.Cut(g.Base.Revision),
		BaseCommit: result.Cut(g.Base.Commit), HeadCommit: result.Cut(g.Head.Commit), Verdict: g.Verdict, Pairs: g.Pairs, Metrics: []HistoryMetric{},
	}
	for i := range g.Metrics {
		m := &g.Metrics[i]
		if len(m.Series) == 0 || m.Series[0].Slowdown == nil {
			continue
		}
		s := m.Series[0]
		ratio := func(slowdown float64) float64 { return 1 - float64(m.Better)*slowdown }
		a, b := ratio(*s.Lower), ratio(*s.Upper)
		run.Metrics = append(run.Metrics, HistoryMetric{ID: result.Cut(m.ID), Better: m.Better, Ratio: ratio(*s.Slowdown), Lower: min(a, b), Upper: max(a, b), Verdict: m.Verdict})
	}
	line, err := json.Marshal(run)
	if err == nil {
		err = checkHistory(line, new(HistoryRun))
	}
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return append(line, '\n'), nil
}

// ReadHistory reads an untrusted history file. The error is one line: `name: line: where: why`.
func ReadHistory(r io.Reader, name string) ([]HistoryRun, error) {
	var runs []HistoryRun
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, mostHistoryLine)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if len(runs) == mostHistory {
			return nil, fmt.Errorf("%s: has more than %d lines", strictjson.Clean(name), mostHistory)
		}
		var run HistoryRun
		if err := checkHistory(lines.Bytes(), &run); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", strictjson.Clean(name), n, err)
		}
		runs = append(runs, run)
	}
	err := lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s: line %d: is longer than %d KiB", strictjson.Clean(name), n+1, mostHistoryLine>>10)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", strictjson.Clean(name), err)
	case len(runs) == 0:
		return nil, fmt.Errorf("%s: has no line", strictjson.Clean(name))
	}
	return runs, nil
}

// checkHistory checks a line against the schema and decodes it into run.
func checkHistory(line []byte, run *HistoryRun) error {
	if err := historySchema().Decode(line, run); err != nil {
		return err
	}
	ids := map[string]bool{}
	for i, m := range run.Metrics {
		at := fmt.Sprintf("/metrics/%d", i)
		switch {
		case ids[m.ID]:
			return strictjson.At(at, strictjson.Quote(m.ID)+" stands twice")
		case m.Ratio < m.Lower || m.Ratio > m.Upper:
			return strictjson.At(at, "the ratio is not within its bounds")
		}
		ids[m.ID] = true
	}
	return nil
}
