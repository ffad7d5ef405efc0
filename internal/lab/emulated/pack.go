package emulated

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated/initrd"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

var (
	baseModules = []string{"veth", "tun"}            // of the test network and of user-space tunnels
	pastModules = []string{"nfnetlink", "xfrm_user"} // earlier builds of this program open these netlink families
)

// deviceFolder returns the folder of the nth device's files in the guest. Its length is always the
// same, because the length of a path moves what is on a program's stack.
func deviceFolder(n int) string { return fmt.Sprintf("/dut%03d", n) }

// PackError is the error of a device that cannot be packed for the guest.
type PackError struct {
	Device string
	Err    error
}

func (e *PackError) Error() string { return e.Device + ": " + e.Err.Error() }

// Unwrap returns what is wrong with the device.
func (e *PackError) Unwrap() error { return e.Err }

// packed is a job with the files and modules that it needs.
type packed struct {
	job               Job
	files             []initrd.File
	modules, optional []string
	devices           []dut.Device
}

// pack returns the job of a request. A device of another build, or of somebody else, is packed with
// what it needs.
func pack(r Request) (p packed, err error) {
	p.devices, p.modules = r.Devices, slices.Clone(baseModules)
	p.job.Sizes, p.job.Batches, p.job.Interop = r.Sizes, r.Batches, r.Interop
	for i, d := range r.Devices {
		spec, err := p.device(d, deviceFolder(i), r.Root)
		if err != nil {
			return p, &PackError{d.Spec, err}
		}
		p.job.Devices = append(p.job.Devices, spec)
	}
	if r.Calls {
		p.job.Calls = "/init"
		if len(r.Devices) > 0 && r.Devices[0].Build != "" {
			p.job.Calls = p.build(0)
		}
	}
	return p, nil
}

// build returns the path of the nth device's build in the guest.
func (p *packed) build(n int) string { return path.Join(deviceFolder(n), "tunnelbench") }

// device packs a device into a folder of the guest and returns its spec there.
func (p *packed) device(d dut.Device, folder, root string) (string, error) {
	if len(d.Sides) > 0 {
		return p.mixed(d.Sides, folder, root)
	}
	p.modules = append(p.modules, d.Modules...)
	switch file, foreign := strings.CutPrefix(d.Argument, "exec:"); {
	case foreign:
		file, settings := dut.SplitExec(file)
		spec, err := p.script(file, folder, root)
		if settings != "" {
			spec += ":" + settings
		}
		return spec, err
	case d.Build != "":
		at := path.Join(folder, "tunnelbench")
		files, err := initrd.Program(d.Build, at)
		if err != nil {
			return "", err
		}
		p.files, p.optional = append(p.files, files...), append(p.optional, pastModules...)
		name, params, has := strings.Cut(d.Argument, ":")
		name, _, _ = strings.Cut(name, "@")
		if has {
			at += ":" + params
		}
		return name + "@" + at, nil
	}
	return d.Argument, nil
}

// mixed packs the devices of both sides of a mixed pair, each in a folder of its own.
func (p *packed) mixed(sides []dut.Device, folder, root string) (string, error) {
	left, err := p.device(sides[0], path.Join(folder, "left"), root)
	if err != nil {
		return "", err
	}
	right, err := p.device(sides[1], path.Join(folder, "right"), root)
	return "mixed:left=" + left + ",right=" + right, err
}

// script packs a program of the user, which may want any tunnel of the kernel.
func (p *packed) script(file, folder, root string) (string, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if root == "" {
		root = filepath.Dir(file)
	}
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return "", err
	}
	files, err := initrd.Pack(file, root, folder)
	if err != nil {
		return "", err
	}
	p.files = append(p.files, files...)
	for _, t := range dut.All() {
		p.optional = append(p.optional, t.Modules...)
	}
	return "exec:" + path.Join(folder, filepath.ToSlash(rel)), nil
}

// name returns the device that a spec of the guest stands for.
func (p *packed) name(spec string) string {
	if i := slices.Index(p.job.Devices, spec); i >= 0 {
		return p.devices[i].Spec
	}
	return spec
}
