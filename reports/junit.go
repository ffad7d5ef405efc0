package reports

import (
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/junit"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

var _ = register("junit", formatJUnit)

// formatJUnit writes a test case per result: a device that died fails, an invalid result is an
// error, a device that cannot run here is skipped.
func formatJUnit(runs []*result.Results) ([]byte, error) {
	s := junit.Suite{Name: "tunnelbench", Time: "0.000"}
	for _, r := range runs {
		for i := range r.Results {
			c := junitResult(&r.Results[i])
			s.Tests++
			s.Failures += len(c.Failures)
			if c.Error != nil {
				s.Errors++
			}
			if c.Skipped != nil {
				s.Skipped++
			}
			s.Cases = append(s.Cases, c)
		}
	}
	return junit.Marshal(s)
}

func junitResult(r *result.Result) junit.Case {
	c := junit.Case{Classname: strictjson.Clean(r.DUT), Name: fmt.Sprintf("%s, %d bytes, %s", strictjson.Clean(r.Test), int(r.FrameSize), strictjson.Clean(r.Direction)), Time: "0.000"}
	switch {
	case r.Unsupported != "":
		c.Skipped = &junit.Fault{Message: strictjson.Clean(r.Unsupported), Type: "unsupported"}
	case r.Error != "":
		c.Failures = []junit.Fault{{Message: strictjson.Clean(r.Error), Type: "died"}}
	case !r.Valid:
		c.Error = &junit.Fault{Message: strictjson.Clean(strings.Join(r.Warnings, "; ")), Type: "not valid"}
	}
	return c
}
