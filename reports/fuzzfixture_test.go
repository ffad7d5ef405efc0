package reports

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// campaign returns the campaign in the test data of fuzz/report.
func campaign() *report.Campaign {
	const name = "../fuzz/report/testdata/fuzz.json"
	data, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	c, err := report.Read(bytes.NewReader(data), name)
	if err != nil {
		panic(err)
	}
	return c
}

// hostileCampaign returns a campaign with a hostile name in every text field.
func hostileCampaign(name string) *report.Campaign {
	c := campaign()
	c.Tool.Version, c.Tool.Commit, c.Tool.Go, c.CPU, c.Kernel, c.Command = name, name, name, name, name, []string{name}
	for i := range c.Targets {
		t := &c.Targets[i]
		t.Name, t.Doc, t.Package, t.Function, t.Engine, t.Error = name, name, name, name, name, name
		for j := range t.Findings {
			f := &t.Findings[j]
			f.ID, f.Oracle, f.Seen, f.Files, f.Reproduce = name, name, name, []string{name}, name
			f.Stack = []report.StackFrame{{Function: name, File: name, Line: 1}}
		}
	}
	return c
}

// crowd returns a campaign of n targets, each with 1000 executions per minute and 20 samples.
func crowd(n int) *report.Campaign {
	c := &report.Campaign{}
	for i := range n {
		t := report.Target{Name: fmt.Sprintf("target-%d", i), Engine: "native", Executions: 1000, Elapsed: time.Minute, Corpus: 10}
		for k := range uint64(20) {
			t.Samples = append(t.Samples, report.Sample{
				Elapsed: time.Duration(k+1) * 3 * time.Second, Executions: 50 * (k + 1), Coverage: (k + 1) / 2,
			})
		}
		c.Targets = append(c.Targets, t)
	}
	return c
}
