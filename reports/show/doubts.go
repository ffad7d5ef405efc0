package show

import (
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// WriteDoubts writes why a measurement is invalid, followed by its warnings.
func WriteDoubts(w io.Writer, invalid rfc2544.Reasons, warnings []string) {
	for _, why := range invalid {
		fmt.Fprintf(w, "  invalid: %s\n", why.Text)
	}
	for _, warning := range warnings {
		fmt.Fprintf(w, "  %s\n", warning)
	}
}

// WriteDistribution writes a distribution on one line. It writes nothing if d is nil.
func WriteDistribution(w io.Writer, what string, d *rfc2544.Distribution) {
	if d != nil {
		fmt.Fprintf(w, "  %s: min %v, p50 %v, p99 %v, p99.9 %v, max %v\n", what, d.Min, d.P50, d.P99, d.P999, d.Max)
	}
}
