// Package tracing is the verb `trace`: where in a device a frame spends its time.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/trace"
	"github.com/tunnelbench/tunnelbench/internal/lab/trace/stacks"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// Verb returns the verb `trace` of this build.
func Verb(tool func() result.Tool) cli.Verb {
	return cli.Verb{
		Name: "trace", Doc: "follow frames through a device: where they spend their time, and where they are lost",
		Examples: []string{
			"trace --dut vxlan --size 64 --load 20kpps",
			"trace --dut reference-tun --load 50kpps --direction both --pcap hops.pcapng --perfetto hops.json",
			"trace --dut wireguard-go --size 512 --load 10kpps --cost 0 --out out/wireguard-go",
		},
		Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
			f := &flags{tool: tool}
			f.AddTo(set)
			set.IntVar(&f.plan.Every, "every", 0, "follow one frame in `n`, a power of two; 0: as many as there is room for")
			set.IntVar(&f.plan.Rounds, "cost", 3, "`rounds` of trials with and without tracing, which tell its cost; 0: none")
			set.StringVar(&f.pcap, "pcap", "", "`file` for every packet at every interface, as pcapng with a comment for each: Wireshark opens it")
			set.StringVar(&f.perfetto, "perfetto", "", "`file` for a timeline of all followed frames: ui.perfetto.dev and about:tracing open it")
			set.StringVar(&f.stacks, "stacks", "", fmt.Sprintf("`file` for the call stacks of the device's cores, sampled at %d Hz, folded: flamegraph.pl, inferno and speedscope read it", stacks.Rate))
			set.BoolVar(&f.json, "json", false, "print one JSON object instead of the tables")
			set.StringVar(&f.out, "out", "out", "`directory` for trace.json and trace.html")
			return f.run
		},
	}
}

type flags struct {
	cli.TrialFlags
	tool                func() result.Tool
	plan                trace.Plan
	pcap, perfetto, out string
	stacks              string
	json                bool
}

func (f *flags) run(ctx context.Context, s cli.Streams) error {
	cfg, err := f.prepare()
	if err != nil {
		return err
	}
	l, err := lab.Open(ctx, cfg.Config)
	if err != nil {
		return err
	}
	started := time.Now().UTC()
	t, err := trace.Run(ctx, l, f.plan)
	if t == nil {
		return errors.Join(err, l.Close())
	}
	t.Tool, t.Command, t.Started = f.tool(), append([]string{"tunnelbench"}, os.Args[1:]...), started
	t.CPU, t.Kernel = lab.Machine()
	if err == nil && len(t.Invalid) > 0 {
		err = fmt.Errorf("%w: %s", cli.ErrNoVerdict, t.Invalid)
	}
	return errors.Join(err, l.Close(), f.write(s, t))
}

// prepare checks the flags, and makes the directory before anything is measured.
func (f *flags) prepare() (cfg cli.LabConfig, err error) {
	if f.plan.Device, f.plan.Trial, cfg, err = f.Parse("trace"); err != nil {
		return cfg, err
	}
	switch {
	case f.plan.Every < 0 || bits.OnesCount(uint(f.plan.Every)) > 1:
		return cfg, cli.BadUsage("--every %d: use a power of two, such as 64", f.plan.Every)
	case f.plan.Rounds < 0 || f.plan.Rounds > 100:
		return cfg, cli.BadUsage("--cost %d: from 0 to 100 rounds", f.plan.Rounds)
	case f.Lab.Engine == lab.EngineAFPacket:
		return cfg, cli.BadUsage("trace: the engine afpacket cannot be traced: use xdp")
	case f.plan.Duration > time.Minute:
		return cfg, cli.BadUsage("--duration %v: a trace lasts a minute at most", f.plan.Duration)
	}
	if cfg.Engine == lab.EngineAFPacket {
		return cfg, cli.BadUsage("--size %d: the engine xdp, which a trace needs, sends frames of 3072 bytes at most", f.plan.Size)
	}
	cfg.Engine = lab.EngineXDP
	f.plan.Settings, f.plan.Capture = cfg.Settings, f.pcap != ""
	f.plan.Stacks = f.stacks != ""
	return cfg, f.ensureFiles()
}

// ensureFiles returns an error if one of the files cannot be written.
func (f *flags) ensureFiles() error {
	if f.pcap != "" && f.plan.Device.Up == nil {
		return cli.BadUsage("--pcap: %s has no interface between the tester's ports", f.plan.Device.Spec)
	}
	for _, file := range []struct{ flag, path string }{{"--pcap", f.pcap}, {"--perfetto", f.perfetto}, {"--stacks", f.stacks}} {
		if file.path == "" {
			continue
		}
		if err := cli.EnsureFile(file.flag, file.path); err != nil {
			return err
		}
	}
	return cli.EnsureDir(f.out, "trace.json", "trace.html")
}

func (f *flags) write(s cli.Streams, t *trace.Traced) error {
	text, err := waterfall.Marshal(&t.Trace)
	if err != nil {
		return err
	}
	html, err := waterfall.HTML(&t.Trace)
	if err != nil {
		return err
	}
	where := filepath.Join(f.out, "trace")
	saved := errors.Join(atomicfile.WriteFile(where+".json", text, 0o644), atomicfile.WriteFile(where+".html", html, 0o644))
	said := string(text)
	if !f.json {
		said = waterfall.Text(&t.Trace)
		if saved == nil {
			said += "written: " + where + ".json and " + where + ".html\n"
		}
	}
	if f.perfetto != "" {
		leftOut := 0
		saved = errors.Join(saved, atomicfile.Create(f.perfetto, 0o644, func(w io.Writer) (err error) {
			leftOut, err = waterfall.Perfetto(w, &t.Trace, t.Capture.Frames())
			return err
		}))
		if leftOut > 0 && !f.json {
			said += fmt.Sprintf("%s: %d slices are left out, since too many frames were in a hop at once: follow fewer (--every)\n", f.perfetto, leftOut)
		}
	}
	if f.pcap != "" {
		saved = errors.Join(saved, t.Capture.WritePcapFile(f.pcap))
	}
	if f.stacks != "" {
		saved = errors.Join(saved, atomicfile.Create(f.stacks, 0o644, t.Stacks.Write))
		if !f.json {
			said += f.stacks + ": " + t.Stacks.Summary() + "\n"
		}
	}
	return errors.Join(saved, cli.Said(cli.Say(s.Out, said)))
}
