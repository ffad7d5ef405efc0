package counting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/ci/gate/count"
	"github.com/tunnelbench/tunnelbench/ci/gate/revision"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Gate judges a change by counting.
type Gate struct {
	Request revision.Request
	Kernel  string // path of a kernel image; empty: the newest installed one
	Policy  gate.Counts
	Out     string // folder for base.json, head.json, count.json and count.md
	Tool    result.Tool

	machine emulated.Machine
	said    sync.Mutex // held while a line of the log is written
}

// Run builds both sides, counts them and returns an error unless the change passes.
func (g *Gate) Run(ctx context.Context, s cli.Streams) error {
	if g.Request.Layouts < count.LeastLayouts {
		return cli.BadUsage("--layouts %d: --count needs %d or more, to say how much a layout makes of the cost", g.Request.Layouts, count.LeastLayouts)
	}
	var err error
	if g.machine, err = emulated.Find(ctx, g.Kernel); err != nil {
		return findFault(g.Kernel, err)
	}
	if err := errors.Join(cli.EnsureDir(g.Out), gate.Clear(g.Out)); err != nil {
		return err
	}
	builds, err := g.Request.Build(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = builds.Remove() }()
	sides, err := g.countSides(ctx, builds)
	if err != nil {
		return err
	}
	for _, side := range sides {
		if err := side.WriteFile(g.Out); err != nil {
			return err
		}
	}
	return g.judge(sides[0], sides[1], s.Out)
}

// Recorded judges two files that a run has written.
func (g *Gate) Recorded(ctx context.Context, base, head string, s cli.Streams) error {
	b, err := count.ReadSideFile(ctx, base)
	if err != nil {
		return cli.BadInput(err)
	}
	h, err := count.ReadSideFile(ctx, head)
	if err != nil {
		return cli.BadInput(err)
	}
	if err := cli.EnsureDir(g.Out); err != nil {
		return err
	}
	return g.judge(b, h, s.Out)
}

// judge compares the sides and concludes.
func (g *Gate) judge(base, head *count.Side, out io.Writer) error {
	r, err := count.Judge(count.Limits{Frames: float64(g.Policy.Frames), Calls: float64(g.Policy.Calls)}, base, head)
	if err != nil {
		return cli.BadInput(err)
	}
	r.Tool = g.Tool
	return g.conclude(r, out)
}

// conclude writes and prints the report.
func (g *Gate) conclude(r *count.Report, out io.Writer) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	err = errors.Join(atomicfile.WriteFile(filepath.Join(g.Out, "count.json"), append(text, '\n'), 0o644),
		atomicfile.WriteFile(filepath.Join(g.Out, "count.md"), []byte(count.Markdown(r)), 0o644))
	return errors.Join(verdict(r), err, cli.Say(out, count.Text(r)))
}

// verdict returns an error unless the change passes.
func verdict(r *count.Report) error {
	switch r.Verdict {
	case gate.Fail:
		return fmt.Errorf("%w: %s", cli.ErrRegression, r.Why)
	case gate.Inconclusive:
		return fmt.Errorf("%w: %s", cli.ErrNoVerdict, r.Why)
	}
	return nil
}

// countSides counts every build of both sides, as many at once as there are cores: another program
// on the machine changes no count. Equal builds are counted once.
func (g *Gate) countSides(ctx context.Context, builds *revision.Builds) (sides [2]*count.Side, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, runtime.NumCPU())
	var running sync.WaitGroup
	first := map[string]**result.Counts{} // by hash of a build
	var again []func()
	for i, built := range []*revision.Side{builds.Base, builds.Head} {
		sides[i] = &count.Side{
			Name: built.Name, Device: g.Request.Device, Revision: built.Revision, Commit: built.Commit, Layouts: make([]*result.Counts, len(built.Devices)),
		}
		for j, device := range built.Devices {
			place := &sides[i].Layouts[j]
			if same := first[built.Builds[j].SHA256]; same != nil {
				again = append(again, func() { *place = *same })
				continue
			}
			first[built.Builds[j].SHA256] = place
			running.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				counts, err := g.countBuild(ctx, device)
				if err != nil {
					cancel(buildFault(built.Name, fmt.Errorf("the %s, layout %d: %w", built.Name, built.Builds[j].Layout, err)))
					return
				}
				*place = counts
				g.say("counted %s %.12s, layout %d", built.Name, built.Commit, built.Builds[j].Layout)
			})
		}
	}
	running.Wait()
	for _, copied := range again {
		copied()
	}
	return sides, context.Cause(ctx)
}

// say writes a line to the log.
func (g *Gate) say(format string, args ...any) {
	g.said.Lock()
	defer g.said.Unlock()
	fmt.Fprintf(g.Request.Log, format+"\n", args...)
}

// buildFault classifies the error of a build that has no counts: the head's is bad input, the base's
// a fault of the environment.
func buildFault(side string, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case side == gate.HeadSide && !errors.Is(err, emulated.ErrGuest):
		return cli.BadInput(err)
	}
	return cli.MachineFault(err)
}

// countBuild counts one build, or takes its counts from the cache: they are exact.
func (g *Gate) countBuild(ctx context.Context, device dut.Device) (*result.Counts, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	b, err := g.machine.Prepare(emulated.Request{
		Devices: []dut.Device{device}, Root: g.root(device), Sizes: g.sizes(), Batches: Batches, Calls: device.Build != "",
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }()
	cached, err := cacheFile(b.Key)
	if err != nil {
		g.say("no cache of counts: %v", err)
	} else if c := readCached(ctx, cached); c != nil {
		return c, nil
	}
	c, faults, err := b.Count(ctx)
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, errors.New(faults[0].Reason)
	}
	for i := range c.Costs {
		c.Costs[i].Device = g.Request.Device
	}
	c.Tool = g.Tool
	if cached != "" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(cached), 0o755), result.WriteCounts(cached, c)); err != nil {
			g.say("no cache of counts: %v", err)
		}
	}
	return c, nil
}

// root returns the top of the tree of a foreign device; empty: the device is no foreign one.
func (g *Gate) root(device dut.Device) string {
	file, foreign := strings.CutPrefix(device.Argument, "exec:")
	if !foreign {
		return ""
	}
	return filepath.Clean(strings.TrimSuffix(file, filepath.Clean(strings.TrimPrefix(g.Request.Device, "exec:"))))
}

func (g *Gate) sizes() (all []rfc2544.FrameSize) {
	for _, n := range slices.Sorted(slices.Values(g.Policy.Sizes)) {
		all = append(all, rfc2544.FrameSize(n))
	}
	return all
}

// cacheFile returns the file with the counts of a key.
func cacheFile(key string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "tunnelbench", "counts", key+".json"), nil
}

// readCached returns the counts in a file of the cache, or nil.
func readCached(ctx context.Context, path string) *result.Counts {
	data, err := bounded.File(ctx, path, strictjson.MaxFile)
	if err != nil {
		return nil
	}
	c, err := result.ReadCounts(bytes.NewReader(data), path)
	if err != nil {
		return nil
	}
	return c
}
