package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// HistorySchema is the schema version of a line of a gate's history.
const HistorySchema = "tunnelbench.history/1"

// Limits of a history file: its bytes, the number of its lines, and the bytes of one line.
const (
	mostHistory      = 64 << 20
	mostHistoryLines = 100_000
	mostHistoryLine  = 64 << 10
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

// ReadHistory reads an untrusted history. It leaves out lines that are torn, because their writer was
// killed or the disk was full, and returns their numbers. The error is one line: `name: line: where:
// why`.
func ReadHistory(data []byte, name string) (runs []HistoryRun, torn []int, err error) {
	name = strictjson.Clean(name)
	for n, line := range bounded.Lines(data) {
		for record := range records(line) {
			switch {
			case len(record) > mostHistoryLine:
				return nil, nil, fmt.Errorf("%s: line %d: is longer than %s", name, n, bounded.Size(mostHistoryLine))
			case len(runs)+len(torn) == mostHistoryLines:
				return nil, nil, fmt.Errorf("%s: has more than %d lines: keep the last ones only", name, mostHistoryLines)
			case strictjson.Torn(record):
				torn = append(torn, n)
				continue
			}
			var run HistoryRun
			if err := checkHistory(record, &run); err != nil {
				return nil, nil, fmt.Errorf("%s: line %d: %w", name, n, err)
			}
			runs = append(runs, run)
		}
	}
	if len(runs) == 0 {
		return nil, nil, fmt.Errorf("%s: has no line that is whole", name)
	}
	return runs, torn, nil
}

// records returns the parts of a line at which a record begins. A line has several if the end of an
// earlier one is missing.
func records(line []byte) iter.Seq[[]byte] {
	begin := []byte(`{"schema":`) // not in a text, where the quotation marks would be escaped
	return func(yield func([]byte) bool) {
		for len(line) > 0 {
			next := len(line)
			if at := bytes.Index(line[1:], begin); at >= 0 {
				next = 1 + at
			}
			if !yield(line[:next]) {
				return
			}
			line = line[next:]
		}
	}
}

// ReadHistoryFile reads a history file, as ReadHistory does. It names the lines that are left out in
// the log.
func ReadHistoryFile(ctx context.Context, path string, log io.Writer) ([]HistoryRun, error) {
	data, err := bounded.File(ctx, path, mostHistory)
	if err != nil {
		return nil, err
	}
	runs, torn, err := ReadHistory(data, path)
	for _, n := range torn {
		fmt.Fprintf(log, "%s: line %d: is torn, and left out\n", strictjson.Clean(path), n)
	}
	return runs, err
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
