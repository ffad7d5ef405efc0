package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/selftest"
	"github.com/tunnelbench/tunnelbench/reports/budget"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var certifyVerb = cli.Verb{
	Name: "certify", Doc: "hold this machine against devices of known effect: its error budget",
	Examples: []string{
		"certify",
		"certify --quick --out certificate.json",
		"certify --engine afpacket",
	},
	Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
		f := &certifyFlags{lab: cli.AddLabFlags(set)}
		set.BoolVar(&f.quick, "quick", false, "two minutes: shorter trials, fewer of them")
		set.StringVar(&f.out, "out", cli.DefaultCertificate, "`file` for the certificate, which later reports carry")
		return f.run
	},
}

type certifyFlags struct {
	lab   *cli.LabFlags
	quick bool
	out   string
}

func (f *certifyFlags) run(ctx context.Context, s cli.Streams) error {
	cfg, err := f.lab.Config()
	if err != nil {
		return err
	}
	if cfg.WAN != "" {
		return cli.BadUsage("--wan %s: a certificate is of devices of known effect alone: leave it out", cfg.WAN)
	}
	if cfg.Beside != nil && f.out == cli.DefaultCertificate {
		f.out = "" // later reports must not carry it
	} else if err := cli.EnsureFile("--out", f.out); err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	host := l.Describe(cfg.Settings)
	c := &result.Certificate{
		Schema: result.CertificateSchema, Tool: tool(), Measured: time.Now().UTC(), CPU: host.CPU, Kernel: host.Kernel, CPUPlan: host.CPUPlan,
		Notes: l.Besides(),
	}
	part := f.part(s)
	save := func(path string) error { return result.WriteCertificate(path, c) }
	plan := selftest.Plan{Settings: cfg.Settings, Quick: f.quick, OnValue: func(m result.Standard) {
		part.Save(save)
		fmt.Fprintln(s.Out, budget.Line(m))
	}}
	err = errors.Join(selftest.Run(ctx, selftest.On(l), plan, c), l.Close())
	if err != nil { // later reports must not carry an incomplete self-test
		if len(c.Standards) > 0 {
			part.Save(save)
			err = part.Lost(err)
		}
		return err
	}
	if n := c.Outside(); n > 0 {
		err = fmt.Errorf("%w: %d of %d reference values are outside their limits or were not valid", cli.ErrNoVerdict, n, len(c.Standards))
	}
	return errors.Join(cli.Said(sayRest(s.Out, c)), err, f.write(c, s, part))
}

// part is the file of the values so far.
func (f *certifyFlags) part(s cli.Streams) *cli.Partial {
	return &cli.Partial{Path: filepath.Join(filepath.Dir(f.out), "partial-"+filepath.Base(cmp.Or(f.out, cli.DefaultCertificate))), Err: s.Err}
}

// sayRest prints what a certificate has besides its values.
func sayRest(w io.Writer, c *result.Certificate) error {
	var text strings.Builder
	for _, speed := range c.Speeds {
		fmt.Fprintf(&text, "speed of this machine: %s at %d bytes carries %v in a closed loop\n", speed.Control, speed.FrameSize, rfc2544.Rate(speed.Nominal))
	}
	for _, note := range c.Notes {
		fmt.Fprintln(&text, note)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// write writes the certificate, unless it is of a disturbed machine and no file was named.
func (f *certifyFlags) write(c *result.Certificate, s cli.Streams, part *cli.Partial) error {
	if f.out == "" {
		fmt.Fprintln(s.Err, "no certificate is kept of a lab that was disturbed on purpose: name a file with --out")
		return part.Remove()
	}
	if err := result.WriteCertificate(f.out, c); err != nil {
		return part.Lost(err)
	}
	fmt.Fprintf(s.Err, "%s\n", f.out)
	return part.Remove()
}
