// Package matching is the verb `interop`: every pair of WireGuard ends on each other.
package matching

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/counting"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	lab "github.com/tunnelbench/tunnelbench/internal/lab/interop"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/interop/page"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Verb returns the verb `interop` of this build.
func Verb(tool func() result.Tool) cli.Verb {
	return cli.Verb{
		Name: "interop", Doc: "try every pair of WireGuard ends on each other",
		Examples: []string{
			"interop --quick",
			"interop --end exec:docs/examples/wireguard-go.sh",
			"interop --ends reference-wg-xdp,wireguard-go --checks left-calls,right-calls,rekey",
			"interop --emulated --ends reference-wg-tun,reference-wg-xdp,wireguard-kernel",
		},
		Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
			f := &flags{tool: tool}
			set.StringVar(&f.ends, "ends", strings.Join(lab.Standard, ","), "the `ends`, by comma: devices that speak WireGuard")
			set.StringArrayVar(&f.more, "end", nil, "one `end` more, such as exec:PATH of a script with contract=2; may come several times")
			set.StringVar(&f.checks, "checks", "", "only these `checks`, by comma, of "+strings.Join(lab.Plan{}.Names(), ", "))
			set.BoolVar(&f.plan.Quick, "quick", false, "leave out the checks that wait two minutes for a rekey")
			set.BoolVar(&f.plan.Wait, "wait", false, "wait for another lab on this machine to end instead of failing")
			set.BoolVar(&f.emulated, "emulated", false, "try it in an emulated machine, whose kernel has a WireGuard (needs QEMU: tunnelbench doctor)")
			set.BoolVar(&f.json, "json", false, "print one JSON object instead of the table")
			set.StringVar(&f.out, "out", "out", "`directory` for interop.json and interop.html")
			return f.run
		},
	}
}

type flags struct {
	tool         func() result.Tool
	plan         lab.Plan
	ends, checks string
	more         []string
	json         bool
	emulated     bool
	out          string
}

func (f *flags) run(ctx context.Context, s cli.Streams) error {
	if err := f.parse(); err != nil {
		return err
	}
	if err := cli.EnsureDir(f.out); err != nil {
		return err
	}
	line := cli.NewProgressLine(s.Err)
	f.plan.OnCell = func(done, all int, c interop.Cell) {
		line.Show("%d of %d: %s of %s and %s %s", done, all, c.Check, c.Left, c.Right, c.Outcome)
	}
	r := lab.NewReport(f.tool(), append([]string{"tunnelbench"}, os.Args[1:]...), time.Now())
	try := lab.Run
	if f.emulated {
		try = counting.Interop
	}
	err := try(ctx, f.plan, r)
	r.Ended = time.Now().UTC()
	line.Clear()
	if len(r.Cells) == 0 {
		return err
	}
	return f.write(ctx, s, r, err)
}

// write writes the files, then the table, and returns what the exit status follows from.
func (f *flags) write(ctx context.Context, s cli.Streams, r *interop.Report, fault error) error {
	text, err := r.Encode()
	if err != nil {
		return err
	}
	html, err := page.HTML(r)
	if err != nil {
		return err
	}
	where := filepath.Join(f.out, "interop")
	saved := errors.Join(atomicfile.WriteFile(where+".json", text, 0o644), atomicfile.WriteFile(where+".html", html, 0o644))
	said := string(text)
	if !f.json {
		said = page.Text(r)
		if saved == nil {
			said += fmt.Sprintf("written: %s.json and %s.html\n", where, where)
		}
	}
	return errors.Join(verdict(ctx, r), fault, saved, cli.Said(cli.Say(s.Out, said)))
}

// verdict returns the error that the exit status of a report follows from.
func verdict(ctx context.Context, r *interop.Report) error {
	switch r.Verdict() {
	case interop.Failed:
		return fmt.Errorf("%w: %d cells failed", report.ErrFinding, r.Count(interop.Failed))
	case interop.NoVerdict:
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: %d cells have none", cli.ErrNoVerdict, r.Count(interop.NoVerdict))
	case interop.Unsupported:
		return fmt.Errorf("%w: no check could be made here: %s", errors.ErrUnsupported, r.Cells[0].Why)
	}
	return nil
}

func (f *flags) parse() (err error) {
	if f.checks != "" {
		f.plan.Only = strings.Split(f.checks, ",")
	}
	for _, name := range f.plan.Only {
		if !slices.Contains(lab.Plan{}.Names(), name) {
			return cli.BadUsage("--checks %s: no such check: use %s", name, strings.Join(lab.Plan{}.Names(), ", "))
		}
	}
	if len(f.plan.Names()) == 0 {
		return cli.BadUsage("--checks %s --quick: nothing is left to try: leave --quick out", f.checks)
	}
	if f.plan.Ends, err = lab.ParseEnds(append(cli.SplitDevices(f.ends), f.more...)); err != nil {
		return cli.BadInput(err)
	}
	return nil
}
