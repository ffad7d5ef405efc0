package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/selftest"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/reports/result"
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
		set.BoolVar(&f.quick, "quick", false, "a minute instead of five: shorter trials, fewer of them")
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
	if err := ensureDir(filepath.Dir(f.out)); err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	host := l.Describe(cfg.Settings)
	c := &result.Certificate{
		Schema: result.CertificateSchema, Tool: tool(), Measured: time.Now().UTC(), CPU: host.CPU, Kernel: host.Kernel, CPUPlan: host.CPUPlan,
	}
	plan := selftest.Plan{Settings: cfg.Settings, Quick: f.quick, OnValue: func(m result.Standard) { fmt.Fprintln(s.Out, reports.StandardLine(m)) }}
	err = errors.Join(selftest.Run(ctx, selftest.On(l), plan, c), l.Close())
	for _, note := range c.Notes {
		fmt.Fprintln(s.Out, note)
	}
	if err != nil { // half a certificate would pass for a whole one
		return err
	}
	if err := result.WriteCertificate(f.out, c); err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "%s\n", f.out)
	return certified(c)
}

// certified is nil when every reference value is within its limit.
func certified(c *result.Certificate) error {
	outside := 0
	for _, s := range c.Standards {
		if !s.Within() {
			outside++
		}
	}
	if outside > 0 {
		return fmt.Errorf("%w: %d of %d reference values are outside their limits or were not valid", cli.ErrNoVerdict, outside, len(c.Standards))
	}
	return nil
}

// Certificate is the machine's, or why there is none to be carried.
type certificate struct {
	path  string
	held  *result.Certificate
	fault error
}

// readCertificate reads the machine's certificate; only a file that was named has
// to be there, and whole.
func readCertificate(path string) (certificate, error) {
	c := certificate{path: path}
	if path == "" {
		c.path = cli.DefaultCertificate
	}
	f, err := os.Open(c.path)
	if err == nil {
		defer f.Close()
		c.held, err = result.ReadCertificate(f, c.path)
	}
	switch {
	case err == nil || path == "" && errors.Is(err, fs.ErrNotExist):
		return c, nil
	case path != "":
		return c, cli.BadUsage("--self-test: %w", err)
	}
	c.fault = err
	return c, nil
}

// carry puts the certificate into results, where it is of this machine.
func (c certificate) carry(r *result.Results) {
	switch {
	case c.fault != nil:
		r.Host.Notes = append(r.Host.Notes, fmt.Sprintf("The machine's certificate cannot be read: %v.", c.fault))
	case c.held == nil:
	case !c.held.Fits(r.Host):
		r.Host.Notes = append(r.Host.Notes, c.path+" is of another machine, kernel or division of the cores: run tunnelbench certify.")
	default:
		r.Certificate = c.held
	}
}
