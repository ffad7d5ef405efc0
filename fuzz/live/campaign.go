package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Campaign attacks devices one after another with the same mutants, kind by kind.
type Campaign struct {
	Report    Report // the header of live.json; Run adds the devices
	Devices   []dut.Device
	Kinds     []mutate.Kind // of mutants, an attack for each; empty: that of the plan
	Plan      Plan
	Settings  lab.Settings // for the command that repeats an attack
	Scorecard bool         // write a table that compares the devices at the end
	Out       string       // folder for live.json and captures
}

// Run runs the campaign. Results go to out as text, progress to progress, files to the folder: live.json
// during an attack too, so that whatever ends the campaign costs the last seconds at most. One device that cannot
// run here does not end a campaign of several. The error is the verdict: it wraps report.ErrFinding or
// report.ErrNoVerdict.
func (c Campaign) Run(ctx context.Context, open Open, out, progress io.Writer) error {
	r := c.newReport()
	var failed, written, captures, words error
	for _, a := range c.attacks() {
		d := a.device
		result, err := Attack(ctx, open, d, a.plan, c.observer(progress, c.keeper(r)))
		if err != nil && failed == nil {
			failed = err
		}
		r.Devices = append(r.Devices, result.DeviceReport)
		written = c.write(r) // the last one counts: it has all devices
		captures = errors.Join(captures, c.capture(d, result))
		words = errors.Join(words, heard(c.say(d, result, out)))
		if ctx.Err() != nil {
			break
		}
	}
	if c.Scorecard {
		words = errors.Join(words, heard(r.WriteScorecard(out)))
	}
	return errors.Join(c.ending(ctx, r, failed, written), written, captures, words)
}

// attack is one of a campaign.
type attack struct {
	device dut.Device
	plan   Plan
}

// attacks returns the attacks of the campaign: of each kind on all devices, so that neighbours can be compared.
func (c Campaign) attacks() (all []attack) {
	kinds := c.Kinds
	if len(kinds) == 0 {
		kinds = []mutate.Kind{c.Plan.Kind}
	}
	for _, kind := range kinds {
		for _, d := range c.Devices {
			p := c.Plan
			p.Kind = kind
			all = append(all, attack{d, p})
		}
	}
	return all
}

// ending returns the verdict, or the interrupt that left none.
func (c Campaign) ending(ctx context.Context, r *Report, failed, written error) error {
	switch {
	case ctx.Err() == nil || r.found():
		return r.verdict(failed)
	case written != nil:
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w; %s has what was measured", context.Cause(ctx), c.file())
}

// heard returns the error of printing, unless the reader of a pipe has read enough.
func heard(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// keepEvery is how often live.json is written during an attack.
const keepEvery = 10 * time.Second

// keeper returns a function that writes live.json with the report so far of one more device, unless it did so a
// moment ago. A long report takes longer to write, and is written less often.
func (c Campaign) keeper(r *Report) func(DeviceReport) {
	var next time.Time
	return func(d DeviceReport) {
		start := time.Now()
		if start.Before(next) {
			return
		}
		soFar := *r
		soFar.Devices = append(slices.Clone(r.Devices), d)
		_ = c.write(&soFar) // what fails here fails again after the attack, and is said then
		next = time.Now().Add(keepEvery + 100*time.Since(start))
	}
}

func (c Campaign) file() string { return filepath.Join(c.Out, "live.json") }

func (c Campaign) write(r *Report) error {
	text, err := r.Marshal()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(c.file(), text, 0o644)
}

func (c Campaign) newReport() *Report {
	r := c.Report
	r.Schema, r.Seed, r.Rate, r.FrameSize = Schema, c.Plan.Seed, float64(c.Plan.Rate), int(c.Plan.Size)
	r.Devices = []DeviceReport{}
	for _, s := range c.Plan.Senders {
		r.Senders = append(r.Senders, string(s))
	}
	return &r
}

// say writes the result of a device, with the command that repeats an attack with findings.
func (c Campaign) say(d dut.Device, r Result, out io.Writer) error {
	var text strings.Builder
	r.WriteText(&text)
	if len(r.Findings) > 0 {
		fmt.Fprintf(&text, "  replay    %s\n", c.replay(d, r.DeviceReport))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// capture writes the last mutants of an attack with findings.
func (c Campaign) capture(d dut.Device, r Result) error {
	if len(r.Findings) == 0 {
		return nil
	}
	var file bytes.Buffer
	if err := r.WriteCapture(&file); err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(c.Out, c.captureName(d, r.Mutants)), file.Bytes(), 0o644)
}

// captureName returns a file name without characters that are special in a path or a shell.
func (c Campaign) captureName(d dut.Device, mutants string) string {
	plain := func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}
	name := "live-" + strings.Map(plain, d.Spec)
	if len(c.Kinds) > 1 {
		name += "-" + mutants
	}
	return name + ".pcapng"
}

// observer writes the progress of an attack, and keeps its report so far.
func (c Campaign) observer(w io.Writer, keep func(DeviceReport)) Observer {
	return Observer{
		OnRate: func(d dut.Device, forwarding, load rfc2544.Rate) {
			fmt.Fprintf(w, "%s forwards %v; the load is %v, the attack %v\n", d.Spec, forwarding, load, c.Plan.Rate)
		},
		OnTrial: func(d DeviceReport) {
			keep(d)
			t, what := d.Trials[len(d.Trials)-1], "quiet"
			if t.Attacked {
				what = fmt.Sprintf("attacked by %d", t.Sent.Frames)
			}
			fmt.Fprintf(w, "  %s: lost %d of %d, p99 %v %s\n", what, t.Lost, t.Offered, t.P99, t.Invalid)
		},
	}
}

// found reports whether any device has a finding.
func (r *Report) found() bool {
	return slices.ContainsFunc(r.Devices, func(d DeviceReport) bool { return len(d.Findings) > 0 })
}

// verdict reports findings before devices without a result. failed is the reason of the first such device.
func (r *Report) verdict(failed error) error {
	var seen, missing []string
	for _, d := range r.Devices {
		for _, f := range d.Findings {
			seen = append(seen, fmt.Sprintf("%s: %s: %s", d.DUT, f.Kind, f.Seen))
		}
		if d.Error != "" && d.Unsupported == "" {
			missing = append(missing, d.DUT+": "+d.Error)
		}
	}
	switch {
	case len(seen) > 0:
		return fmt.Errorf("%w: %s", report.ErrFinding, strings.Join(seen, "; "))
	case failed != nil && len(r.Devices) == 1:
		return failed
	case len(missing) > 0:
		return fmt.Errorf("%w: of %d devices %d have none: %s", report.ErrNoVerdict, len(r.Devices), len(missing), missing[0])
	}
	return nil
}
