package streams

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Write writes the results of a streams trial, as text or as one JSON object.
func (r Stream) Write(w io.Writer, device string, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			DUT string `json:"dut"`
			Stream
		}{device, r})
	}
	fmt.Fprintf(w, "%s, %s, %d connections, %v after %v, TCP %s\n", device, r.Plan.Kind, r.Plan.Connections, r.Plan.Duration, r.Plan.Warmup, r.CongestionControl)
	if r.Plan.Kind == streams.Bulk {
		for _, d := range []string{rfc2544.Forward, rfc2544.Reverse} {
			if sum, slowest, fastest := r.Goodput(d); fastest > 0 {
				fmt.Fprintf(w, "  %s: %.4g Mbit/s, a connection %.4g to %.4g\n", d, sum/1e6, slowest/1e6, fastest/1e6)
			}
		}
		fmt.Fprintf(w, "  %d bytes", r.Octets())
		if least, smoothed := r.RTT(); r.endToEnd() {
			fmt.Fprintf(w, ", %d segments sent again, rtt %v least, %v smoothed, mss %d", r.Retransmits(), least, smoothed, r.MSS())
		}
		fmt.Fprintln(w)
	} else {
		fmt.Fprintf(w, "  %d transactions in %v, %d failed\n", r.Transactions, r.Elapsed.Round(time.Microsecond), r.Failures)
		show.WriteDistribution(w, "latency", r.Latency)
	}
	for _, v := range r.Values {
		fmt.Fprintf(w, "  %s %.5g %s\n", v.Name, v.Value, v.Unit)
	}
	if r.LimitedBy != "" {
		fmt.Fprintf(w, "  limited by: %s\n", r.LimitedBy)
	}
	show.WriteDoubts(w, r.Invalid, r.Warnings)
	return nil
}
