package emulated

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated/initrd"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/tempdir"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Request says what to count, or which checks of package interop to try.
type Request struct {
	Devices []dut.Device
	Root    string // folder that is packed with an exec device; empty: the folder of its script
	Sizes   []rfc2544.FrameSize
	Batches int
	Calls   bool     // count functions too: of the first device's build, or of this program
	Interop []string // names of checks; the devices are the ends
}

// Boot is a machine that is ready to be booted for one request, with its files in a temporary folder.
type Boot struct {
	Key     string // hash of all that the counts follow from: equal keys give equal counts
	machine Machine
	packed  packed
	limit   time.Duration
	dir     string
}

// ErrGuest is wrapped by the error of a guest that did not finish its job.
var ErrGuest = errors.New("the emulated machine did not finish")

// Prepare writes the files of a boot. Close removes them.
func (m Machine) Prepare(r Request) (b *Boot, err error) {
	dir, err := tempdir.Make("tunnelbench-emulated-")
	if err != nil {
		return nil, err
	}
	b = &Boot{machine: m, dir: dir, limit: bootLimit(r)}
	if err = b.prepare(r); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// bootLimit returns the time that a boot may take on the host, many times what it needs.
func bootLimit(r Request) time.Duration {
	const base, batch, check = 10 * time.Minute, 100 * time.Millisecond, time.Minute
	return base + time.Duration(len(r.Devices)*len(r.Sizes)*r.Batches)*batch + time.Duration(len(r.Devices)*len(r.Devices)*len(r.Interop))*check
}

func (b *Boot) prepare(r Request) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if b.packed, err = pack(r); err != nil {
		return err
	}
	init, err := initrd.Program(self, "/init")
	if err != nil {
		return err
	}
	modules, err := b.machine.Kernel.Files(b.packed.modules, b.packed.optional)
	if err != nil {
		return err
	}
	job := b.packed.job
	for _, f := range modules {
		job.Modules = append(job.Modules, f.Path)
	}
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	files := slices.Concat(init, modules, b.packed.files, []initrd.File{{Path: JobFile, Text: text, Mode: 0o644}})
	if err := initrd.Write(b.archive(), files); err != nil {
		return err
	}
	return b.hash()
}

func (b *Boot) archive() string { return filepath.Join(b.dir, "initrd") }

// hash sets the key. Equal files make an equal archive.
func (b *Boot) hash() error {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", b.machine.Version, b.machine.arguments("", ""))
	for _, path := range []string{b.machine.Kernel.Image, b.archive()} {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(h, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	b.Key = hex.EncodeToString(h.Sum(nil))
	return nil
}

// open opens the archive and removes the folder: nothing of it is left even after kill -9.
func (b *Boot) open() (archive *os.File, err error) {
	if archive, err = os.Open(b.archive()); err != nil {
		return nil, err
	}
	if err := b.Close(); err != nil {
		return nil, errors.Join(err, archive.Close())
	}
	return archive, nil
}

// Close removes the files of the boot.
func (b *Boot) Close() error { return os.RemoveAll(b.dir) }

// Count boots the machine and returns the counts, and the devices that have none. If ctx ends, Count
// kills the machine.
func (b *Boot) Count(ctx context.Context) (*result.Counts, []Fault, error) {
	all, err := b.run(ctx, func(interop.Cell) {})
	if err != nil {
		return nil, nil, err
	}
	c := all.counts
	c.Emulator, c.Kernel = b.machine.Version, b.machine.Kernel.Version
	for i := range c.Costs {
		c.Costs[i].Device = b.packed.name(c.Costs[i].Device)
	}
	for i := range all.faults {
		all.faults[i].Device = b.packed.name(all.faults[i].Device)
	}
	return c, all.faults, nil
}

// Interop boots the machine and calls onCell with what each check comes to in it, when it ends. If ctx ends, Interop kills
// the machine.
func (b *Boot) Interop(ctx context.Context, onCell func(interop.Cell)) error {
	_, err := b.run(ctx, func(c interop.Cell) {
		c.Left, c.Right = b.packed.name(c.Left), b.packed.name(c.Right)
		onCell(c)
	})
	return err
}

// Describe writes the emulated machine into a report, in place of this one.
func (m Machine) Describe(r *interop.Report) { r.CPU, r.Kernel = m.Version, m.Kernel.Version }

// run boots the machine and returns what it said. It calls onCell while the machine runs.
func (b *Boot) run(ctx context.Context, onCell func(interop.Cell)) (all said, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit, fmt.Errorf("%w within %v", ErrGuest, b.limit))
	defer cancel()
	archive, err := b.open()
	if err != nil {
		return all, err
	}
	defer archive.Close()
	console, write, err := os.Pipe()
	if err != nil {
		return all, err
	}
	defer console.Close()
	cmd := exec.CommandContext(ctx, b.machine.program, b.machine.arguments("/dev/fd/3", "/dev/fd/4")...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &output, &output, []*os.File{archive, write}
	cpus, err := netns.AllowedCPUs()
	if err == nil {
		err = sys.StartTethered(cmd, cpus)
	}
	if err = errors.Join(err, write.Close()); err != nil {
		return all, err
	}
	all, fault := parseConsole(console, onCell)
	_, _ = io.Copy(io.Discard, console) // until the machine has ended
	err = cmd.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return all, cause
	}
	if err != nil {
		return all, fmt.Errorf("%w: %s: %w: %s", ErrGuest, emulator, err, bytes.TrimSpace(output.Bytes()))
	}
	return all, fault
}
