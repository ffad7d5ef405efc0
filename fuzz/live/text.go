package live

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// WriteText writes the result of a device as text.
func (d DeviceReport) WriteText(w io.Writer) {
	switch {
	case d.Unsupported != "":
		fmt.Fprintf(w, "%s: cannot run here: %s\n", d.DUT, d.Unsupported)
		return
	case d.Error != "" && len(d.Trials) == 0:
		fmt.Fprintf(w, "%s: no verdict: %s\n", d.DUT, d.Error)
		return
	}
	fmt.Fprintf(w, "%s: forwards %.0f fps; load %.0f fps\n", d.DUT, d.ForwardingRate, d.Load)
	fmt.Fprintf(w, "  attack    %d mutants (%s, numbers %d to %d) on the %s end, ports %v, by %s\n",
		d.Sent.Frames, d.Mutants, d.First, max(d.Next, 1)-1, d.Attacked, d.Ports, d.Sender)
	fmt.Fprintf(w, "  loss      quiet %s of %d trials; attacked %s of %d\n", d.Quiet.loss(), d.Quiet.Trials, d.Attack.loss(), d.Attack.Trials)
	fmt.Fprintf(w, "  latency   p50 quiet %s, attacked %s; p99 quiet %s, attacked %s\n",
		d.Quiet.time(d.Quiet.P50), d.Attack.time(d.Attack.P50), d.Quiet.time(d.Quiet.P99), d.Attack.time(d.Attack.P99))
	if m := d.Memory; m != nil {
		fmt.Fprintf(w, "  memory    %s %s to %s: %s by the attack (quiet %.0f bytes/s at most, attacked %.0f)\n",
			m.What, byteSize(m.Before), byteSize(m.After), byteSize(m.Growth), m.Quiet, m.Attacked)
	}
	fmt.Fprintf(w, "  answers   %d frames (%d cookie replies), %d bytes to the unknown source, for %d bytes (x %.3g); ICMP %d frames, %d bytes (x %.3g)\n",
		d.Answers.Frames, d.Cookies.Frames, d.Answers.Bytes, d.Unknown.Bytes, d.Answers.Per(d.Unknown), d.ICMP.Frames, d.ICMP.Bytes, d.ICMP.Per(d.Unknown))
	for _, side := range slices.Sorted(maps.Keys(d.Counters)) {
		fmt.Fprintf(w, "  counters  %s:%s\n", side, counterText(d.Counters[side]))
	}
	for _, note := range d.Notes {
		fmt.Fprintf(w, "  note      %s\n", note)
	}
	if d.Error != "" {
		fmt.Fprintf(w, "  no verdict: %s\n", d.Error)
	}
	for _, f := range d.Findings {
		fmt.Fprintf(w, "  FINDING   %s: %s\n", f.Kind, f.Seen)
	}
}

func counterText(counters map[string]int64) string {
	var s strings.Builder
	for i, name := range slices.Sorted(maps.Keys(counters)) {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, " %s %d", name, counters[name])
	}
	return s.String()
}

// WriteScorecard writes a table that compares the devices.
func (r *Report) WriteScorecard(w io.Writer) error {
	t := texttab.New(texttab.Left("dut"), texttab.Left("mutants"))
	for _, title := range []string{"load fps", "loss quiet", "loss attacked", "goodput attacked", "p99 quiet", "p99 attacked", "memory", "answers", "ICMP", "deaths"} {
		t.Columns = append(t.Columns, texttab.Right(title))
	}
	t.Columns = append(t.Columns, texttab.Left("verdict"))
	for _, d := range r.Devices {
		memory := "-"
		if d.Memory != nil {
			memory = byteSize(d.Memory.Growth)
		}
		t.Add(d.DUT, d.Mutants, fmt.Sprintf("%.0f", d.Load), d.Quiet.median(), d.Attack.median(), d.goodput(), d.Quiet.time(d.Quiet.P99), d.Attack.time(d.Attack.P99),
			memory, fmt.Sprint(d.Answers.Frames), fmt.Sprint(d.ICMP.Frames), fmt.Sprint(d.Deaths), d.verdict())
	}
	return t.Text(w)
}

// goodput returns the legitimate frames a second that arrived under attack.
func (d DeviceReport) goodput() string {
	if d.Attack.Trials == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", d.Load*(1-d.Attack.MedianLoss))
}

// verdict returns one word, or the kinds of the findings.
func (d DeviceReport) verdict() string {
	var kinds []string
	for _, f := range d.Findings {
		kinds = append(kinds, f.Kind)
	}
	switch {
	case len(kinds) > 0:
		return strings.Join(kinds, ", ")
	case d.Unsupported != "":
		return "cannot run here"
	case d.Error != "":
		return "none"
	}
	return "clean"
}

// loss returns the least, highest and median loss, or a dash without trials.
func (b Band) loss() string {
	if b.Trials == 0 {
		return "-"
	}
	return fmt.Sprintf("%s to %s, median %s,", lossPercent(b.LeastLoss), lossPercent(b.MostLoss), lossPercent(b.MedianLoss))
}

func (b Band) median() string {
	if b.Trials == 0 {
		return "-"
	}
	return lossPercent(b.MedianLoss)
}

// time formats a latency of the band, rounded to 100 ns.
func (b Band) time(d time.Duration) string {
	if b.Trials == 0 {
		return "-"
	}
	return d.Round(100 * time.Nanosecond).String()
}

func lossPercent(ratio float64) string { return fmt.Sprintf("%.3g %%", 100*ratio) }

// byteSize formats a size with a suitable unit.
func byteSize(n int64) string {
	switch {
	case max(n, -n) >= 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case max(n, -n) >= 10<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
