package emulated

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated/initrd"
)

// Machine is an emulator and a kernel for it. Two numbers can be compared only if they are from
// equal machines.
type Machine struct {
	Version string // of the emulator, as it prints it
	Kernel  initrd.Kernel
	program string
}

const emulator = "qemu-system-x86_64"

// Find returns the emulated machine that this host can run. image is the path of a kernel image;
// empty: the newest installed one. The error wraps errors.ErrUnsupported if something is not
// installed, and names the command that installs it.
func Find(ctx context.Context, image string) (m Machine, err error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return m, fmt.Errorf("%w: the emulated machine runs this program itself: it has to be built for Linux on amd64, and is for %s on %s",
			errors.ErrUnsupported, runtime.GOOS, runtime.GOARCH)
	}
	if m.program, err = exec.LookPath(emulator); err != nil {
		return m, fmt.Errorf("%w: no %s: %s", errors.ErrUnsupported, emulator, initrd.Install)
	}
	out, err := exec.CommandContext(ctx, m.program, "--version").Output()
	if err != nil {
		return m, fmt.Errorf("%w: %s --version: %w", errors.ErrUnsupported, m.program, err)
	}
	m.Version, _, _ = strings.Cut(string(out), "\n")
	if image != "" {
		m.Kernel, err = initrd.OpenKernel(image)
	} else {
		m.Kernel, err = initrd.FindKernel("/")
	}
	return m, err
}

// kernelOptions keep the kernel from doing anything that depends on the host or on chance. It passes
// unknown words to /init as arguments: GuestWord, the first one, selects the role of this program.
// Unknown assignments become its environment.
const kernelOptions = GuestWord + " console=ttyS0 quiet loglevel=1 nokaslr norandmaps mitigations=off tsc=reliable tsc_early_khz=1000000 " +
	"lpj=4000000 random.trust_cpu=off random.trust_bootloader=on reboot=t panic=-1 nosoftlockup nowatchdog " +
	"GODEBUG=asyncpreemptoff=1 LD_LIBRARY_PATH=" + initrd.Libraries

// arguments returns the command line of the emulator. With shift=0 an instruction takes 1 ns of the
// guest's time. With sleep=off an idle guest jumps to its next timer.
func (m Machine) arguments(archive, console string) []string {
	return []string{
		"-M", "microvm,rtc=on,pit=on,pic=on", "-nodefaults", "-no-user-config",
		"-accel", "tcg,thread=single", "-cpu", "max,-rdrand,-rdseed,-la57", "-smp", "1", "-m", "1G",
		"-icount", "shift=0,sleep=off,align=off", "-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm",
		"-nic", "none", "-display", "none", "-monitor", "none", "-serial", "file:" + console, "-no-reboot",
		"-kernel", m.Kernel.Image, "-initrd", archive, "-append", kernelOptions,
	}
}
