package report

import (
	"errors"
	"testing"
)

func TestErr(t *testing.T) {
	t.Parallel()
	found, short := Target{Findings: make([]Finding, 1)}, Target{Error: "interrupted"}
	for _, c := range []struct {
		name    string
		targets []Target
		want    error
	}{
		{"clean", []Target{{}}, nil},
		{"a finding before an unfinished target", []Target{short, found}, ErrFinding},
		{"unfinished", []Target{{}, short}, ErrNoVerdict},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := (&Campaign{Targets: c.targets}).Err(); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}
