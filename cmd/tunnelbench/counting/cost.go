// Package counting is the verb `cost` and the counting judge of `gate`: exact cost in an emulated
// machine.
package counting

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	_ "github.com/tunnelbench/tunnelbench/internal/lab/emulated/guest" // its role
	"github.com/tunnelbench/tunnelbench/reports/counts"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Batches is the number of batches that are measured for each device and size, unless told otherwise.
const Batches = 100

const (
	leastBatches = 8
	mostBatches  = 10_000
)

// Verb returns the verb `cost` of this build.
func Verb(tool func() result.Tool) cli.Verb {
	return cli.Verb{
		Name: "cost", Doc: "count the instructions of a frame, exactly, in an emulated machine",
		Examples: []string{
			"cost --dut wire,reference",
			"cost --dut wire,vxlan,exec:./mytunnel.sh --size 64,1518",
			"cost --dut wireguard-go --kernel ./old/boot/vmlinuz-5.10.0-30-amd64",
			"cost --calls",
		},
		Flags: func(set *pflag.FlagSet) func(context.Context, cli.Streams) error {
			f := &costFlags{tool: tool}
			set.StringVar(&f.duts, "dut", "", "`devices` by comma: tunnels of this program, NAME@BUILD, or exec: and a path")
			set.StringVar(&f.sizes, "size", "64,512,1518", "frame sizes in `bytes` by comma, FCS included")
			set.BoolVar(&f.calls, "calls", false, "count the functions of this build that handle every packet, and its decoders")
			set.StringVar(&f.kernel, "kernel", "", "kernel `images` to boot, by comma, with their modules in ../lib/modules; several stand side by side (default: the newest below /boot)")
			set.IntVar(&f.batches, "batches", Batches, "measured `batches` of 32 frames for each device and size; 100 more warm up")
			set.StringVar(&f.results, "results", "", "add the counts to this `file`, a results.json, for its report")
			set.StringVar(&f.out, "out", "out/cost", "`directory` for counts.json")
			return f.run
		},
	}
}

type costFlags struct {
	tool        func() result.Tool
	duts, sizes string
	calls       bool
	kernel, out string
	results     string
	batches     int
}

func (f *costFlags) run(ctx context.Context, s cli.Streams) error {
	r, err := f.parse()
	if err != nil {
		return err
	}
	timed, err := f.readResults(ctx)
	if err != nil {
		return err
	}
	var machines []emulated.Machine
	for image := range strings.SplitSeq(f.kernel, ",") {
		m, err := emulated.Find(ctx, image)
		if err != nil {
			return findFault(image, err)
		}
		machines = append(machines, m)
	}
	if err := cli.EnsureDir(f.out); err != nil {
		return err
	}
	var all []*result.Counts
	var missing []emulated.Fault
	for i, m := range machines {
		c, faults, err := f.count(ctx, m, r, i)
		if err != nil {
			return countFault(err)
		}
		all, missing = append(all, c), append(missing, faults...)
	}
	if timed != nil {
		timed.Counts = all[0]
		if err := result.Write(f.results, timed); err != nil {
			return err
		}
	}
	return errors.Join(deviceFault(missing), cli.Said(counts.WriteText(s.Out, all...)))
}

// count counts on one machine and writes its file: counts.json for the first one.
func (f *costFlags) count(ctx context.Context, m emulated.Machine, r emulated.Request, number int) (*result.Counts, []emulated.Fault, error) {
	b, err := m.Prepare(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = b.Close() }()
	c, faults, err := b.Count(ctx)
	if err != nil {
		return nil, nil, err
	}
	c.Tool = f.tool()
	name := "counts.json"
	if number > 0 {
		name = "counts-" + m.Kernel.Release + ".json"
	}
	return c, faults, result.WriteCounts(filepath.Join(f.out, name), c)
}

// readResults reads the results that get the counts; nil if there are none.
func (f *costFlags) readResults(ctx context.Context) (*result.Results, error) {
	if f.results == "" {
		return nil, nil
	}
	r, err := result.ReadFile(ctx, f.results)
	if err != nil {
		return nil, cli.BadInput(fmt.Errorf("--results: %w", err))
	}
	return r, nil
}

func (f *costFlags) parse() (r emulated.Request, err error) {
	switch {
	case f.duts == "" && !f.calls:
		return r, cli.BadUsage("cost: --dut says which devices, --calls counts functions: try tunnelbench cost --help")
	case f.batches < leastBatches || f.batches > mostBatches:
		return r, cli.BadUsage("--batches %d: from %d to %d", f.batches, leastBatches, mostBatches)
	}
	r.Batches = f.batches
	if f.duts != "" {
		if r.Devices, err = cli.ParseDevices(f.duts); err != nil {
			return r, err
		}
	}
	if r.Sizes, err = cli.ParseSizes(f.sizes); err != nil {
		return r, err
	}
	for _, size := range r.Sizes {
		if size > emulated.LargestFrame {
			return r, cli.BadUsage("--size %d: the emulated links carry frames up to %d bytes", size, emulated.LargestFrame)
		}
	}
	for _, d := range r.Devices {
		if len(d.Spec) > longestName {
			return r, cli.BadUsage("--dut %.40s...: more than %d bytes: put the program at a shorter path", d.Spec, longestName)
		}
	}
	r.Calls = f.calls
	return r, nil
}

// longestName is what a file of counts takes as the name of a device.
const longestName = 256

// findFault classifies the error of a machine that is not there: an image that the user named is
// input, all else is a fault of the machine.
func findFault(image string, err error) error {
	if image != "" && !errors.Is(err, errors.ErrUnsupported) {
		return cli.BadInput(fmt.Errorf("--kernel %w", err))
	}
	return cli.MachineFault(err)
}

// countFault classifies the error of a count: a device that cannot be packed is bad input, a guest
// that does not finish a fault of the machine.
func countFault(err error) error {
	var pack *emulated.PackError
	switch {
	case errors.As(err, &pack):
		return cli.BadInput(err)
	case errors.Is(err, emulated.ErrGuest):
		return cli.MachineFault(err)
	}
	return err
}

// deviceFault returns an error for devices without a cost: a program of the user that does not come
// up is bad input, any other device lacks something of the emulated machine.
func deviceFault(faults []emulated.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	var all []string
	foreign := false
	for _, f := range faults {
		all = append(all, f.Device+": "+f.Reason)
		foreign = foreign || strings.HasPrefix(f.Device, "exec:")
	}
	err := fmt.Errorf("in the emulated machine: %s", strings.Join(all, "; "))
	if foreign {
		return cli.BadInput(err)
	}
	return cli.MachineFault(err)
}
