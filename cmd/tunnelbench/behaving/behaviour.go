// Package behaving is the verb `behaviour`: how devices treat packets, apart from how fast they carry them.
package behaving

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	tests "github.com/tunnelbench/tunnelbench/internal/lab/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Verb returns the verb `behaviour` of this build.
func Verb(tool func() result.Tool) cli.Verb {
	return cli.Verb{
		Name: "behaviour", Doc: "find out how devices treat packets and what becomes of them: large ones, fields of the header, order, a restart",
		Examples: []string{
			"behaviour --dut vxlan,wireguard-go",
			"behaviour --dut reference-tun --tests mtu,ecn --json",
			"behaviour --dut exec:docs/examples/vxlan.sh --out out/vxlan.json",
		},
		Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
			f := &flags{tool: tool}
			set.StringVar(&f.devices, "dut", "", "the `devices` under test, by comma: names of 'tunnelbench list', recipe:NAME or exec:PATH")
			set.StringVar(&f.tests, "tests", "", "only these `tests`, by comma, of "+strings.Join(tests.Names(tests.Tests()), ", ")+"; all: every one (default those of 10 s at most: "+strings.Join(tests.Names(tests.Quick()), ", ")+")")
			set.BoolVar(&f.plan.Long, "long", false, "tests that wait wait longer: idle for 5 minutes, a link that is down for a minute")
			set.BoolVar(&f.wait, "wait", false, "wait for another lab on this machine to end instead of failing")
			set.BoolVar(&f.json, "json", false, "print one JSON object instead of the tables")
			set.StringVar(&f.out, "out", "out/behaviour.json", "`file` for the findings")
			return f.run
		},
	}
}

type flags struct {
	tool           func() result.Tool
	devices, tests string
	wait, json     bool
	out            string
	plan           tests.Plan
}

func (f *flags) run(ctx context.Context, s cli.Streams) error {
	if err := f.parse(); err != nil {
		return err
	}
	l, err := lab.Open(ctx, lab.Config{Wait: f.wait})
	if err != nil {
		return err
	}
	line, done := cli.NewProgressLine(s.Err), 0
	f.plan.OnFinding = func(device string, found behaviour.Finding) {
		done++
		line.Show("%d of %d: %s of %s: %s", done, len(f.plan.Devices)*len(f.plan.Tests), found.Test, device, found.Verdict)
	}
	r := &behaviour.Report{Tool: f.tool(), Command: append([]string{"tunnelbench"}, os.Args[1:]...), Started: time.Now().UTC()}
	r.CPU, r.Kernel = lab.Machine()
	for _, t := range f.plan.Tests {
		r.Tests = append(r.Tests, behaviour.TestInfo{Name: t.Name, Doc: t.Doc})
	}
	r.Devices = tests.Run(ctx, l, f.plan)
	r.Ended = time.Now().UTC()
	line.Clear()
	return errors.Join(verdict(ctx, r), l.Close(), f.write(s, r))
}

// parse checks the flags, and that the file can be written.
func (f *flags) parse() (err error) {
	if f.devices == "" {
		return cli.BadUsage("behaviour: needs --dut: try tunnelbench behaviour --help")
	}
	if f.plan.Devices, err = cli.ParseDevices(f.devices); err != nil {
		return err
	}
	switch f.tests {
	case "":
		f.plan.Tests = tests.Quick()
	case "all":
		f.plan.Tests = tests.Tests()
	default:
		if f.plan.Tests, err = tests.Find(strings.Split(f.tests, ",")); err != nil {
			return cli.BadUsage("--tests %s: %w: use all, or some of %s", f.tests, err, strings.Join(tests.Names(tests.Tests()), ", "))
		}
	}
	return cli.EnsureFile("--out", f.out)
}

// verdict returns the error that the exit status follows from: 3 if a device does not do what a document says, else 4
// if a test could not be made.
func verdict(ctx context.Context, r *behaviour.Report) error {
	if n := r.Count(behaviour.Fail); n > 0 {
		return fmt.Errorf("%w: %d tests failed", report.ErrFinding, n)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if n := r.Count(behaviour.NotMeasured); n > 0 {
		return fmt.Errorf("%w: %d tests could not be made", cli.ErrNoVerdict, n)
	}
	return nil
}

// write writes the file and prints the tables.
func (f *flags) write(s cli.Streams, r *behaviour.Report) error {
	text, err := r.Encode()
	if err != nil {
		return err
	}
	saved := atomicfile.WriteFile(f.out, text, 0o644)
	said := string(text)
	if !f.json {
		said = behaviour.Text(r)
		if saved == nil {
			said += fmt.Sprintf("\nwritten: %s\n", f.out)
		}
	}
	return errors.Join(saved, cli.Said(cli.Say(s.Out, said)))
}
