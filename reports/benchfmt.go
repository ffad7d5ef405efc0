package reports

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

var _ = register("benchfmt", func(runs []*result.Results) ([]byte, error) { return formatBench(runs), nil })

// formatBench writes the Go benchmark format for benchstat, a line for each value.
func formatBench(runs []*result.Results) []byte {
	var b bytes.Buffer
	for _, r := range runs {
		fmt.Fprintf(&b, "cpu: %s\nkernel: %s\ncommit: %s\n", strictjson.Clean(r.Host.CPU), show.Word(r.Host.Kernel), show.Word(r.Tool.Commit))
		if r.CongestionControl != "" {
			fmt.Fprintf(&b, "congestion-control: %s\n", show.Word(r.CongestionControl))
		}
		for i := range r.Results {
			res := &r.Results[i]
			for _, v := range res.Values {
				if !res.Valid {
					continue
				}
				fmt.Fprintf(&b, "Benchmark%s/dut=%s/size=%d/direction=%s/metric=%s 1 %s %s\n",
					benchName(res.Test), show.Word(res.DUT), int(res.FrameSize), show.Word(res.Direction), show.Word(v.Name), exact(&v.Value), show.Word(v.Unit))
			}
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

// benchName starts with an upper case letter, as the benchmark format requires.
func benchName(test string) string {
	if test = show.Word(test); test == "" {
		return "Test"
	}
	return strings.ToUpper(test[:1]) + test[1:]
}
