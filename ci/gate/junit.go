package gate

import (
	"github.com/tunnelbench/tunnelbench/internal/junit"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// JUnit returns the report as a JUnit file with a test case for each metric. Inconclusive metrics
// are skipped.
func JUnit(g *Report) ([]byte, error) {
	s := junit.Suite{Name: "tunnelbench gate", Tests: len(g.Metrics), Time: "0.000"}
	for i := range g.Metrics {
		m := &g.Metrics[i]
		c := junit.Case{Classname: "gate." + strictjson.Clean(g.Device), Name: strictjson.Clean(m.ID), Time: "0.000"}
		fault := junit.Fault{Message: strictjson.Clean(m.Why), Type: m.Verdict}
		switch m.Verdict {
		case Fail:
			c.Failures, s.Failures = []junit.Fault{fault}, s.Failures+1
		case Inconclusive:
			c.Skipped = &fault
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	if g.Verdict == Fail && s.Failures == 0 || g.Verdict == Environment { // one side died
		fault := junit.Fault{Message: strictjson.Clean(g.Why), Type: g.Verdict}
		s.Tests, s.Failures = s.Tests+1, s.Failures+1
		s.Cases = append(s.Cases, junit.Case{Classname: "gate." + strictjson.Clean(g.Device), Name: "runs", Time: "0.000", Failures: []junit.Fault{fault}})
	}
	return junit.Marshal(s)
}
