package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// NS is a network namespace. A file descriptor keeps it alive.
type NS struct {
	name string
	file *os.File
}

// New creates an empty namespace. name is used only in error messages.
func New(name string) (*NS, error) {
	f, err := sys.NewNetNS()
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("namespace %s: cannot be made: run as root: %w", name, err)
	case err != nil:
		return nil, fmt.Errorf("namespace %s: cannot be made: %w", name, err)
	}
	return &NS{name: name, file: f}, nil
}

// Name returns the name of the node in its topology.
func (ns *NS) Name() string { return ns.name }

// Fd returns the file descriptor of the namespace. The caller must not close it.
func (ns *NS) Fd() int { return int(ns.file.Fd()) }

// Close closes the file descriptor. The kernel removes the namespace when no process and no socket
// uses it any more.
func (ns *NS) Close() error { return ns.file.Close() }

// Do runs fn on a thread that is in the namespace, and waits until fn returns. fn may open sockets
// and files. Goroutines that fn starts do not run in the namespace.
func (ns *NS) Do(fn func() error) error {
	if err := sys.InNetNS(ns.file, fn); err != nil {
		return fmt.Errorf("%s: %w", ns.name, err)
	}
	return nil
}

// ReadSysfs reads a file below the /sys of the namespace. rel is relative to /sys.
func (ns *NS) ReadSysfs(rel string) (string, error) {
	var value string
	err := ns.Do(func() (err error) {
		value, err = sys.ReadSysfs(rel)
		return err
	})
	return value, err
}

// WriteSysfs writes a file below the /sys of the namespace. rel is relative to /sys.
func (ns *NS) WriteSysfs(rel, value string) error {
	return ns.Do(func() error { return sys.WriteSysfs(rel, value) })
}

// Sysctl reads a setting of the namespace. key is a path below /proc/sys.
func (ns *NS) Sysctl(key string) (string, error) {
	var value string
	err := ns.Do(func() (err error) {
		value, err = readSysctl(key)
		return err
	})
	return value, err
}

// SetSysctl changes a setting of the namespace, such as net/ipv4/ip_forward. Use a Guardian to
// change settings of the whole machine.
func (ns *NS) SetSysctl(key, value string) error {
	return ns.Do(func() error { return writeSysctl(key, value) })
}

const sysctlRoot = "/proc/sys"

func readSysctl(key string) (string, error) {
	if !filepath.IsLocal(key) {
		return "", fmt.Errorf("sysctl %q: not a path below %s", key, sysctlRoot)
	}
	b, err := os.ReadFile(filepath.Join(sysctlRoot, key))
	return strings.TrimSpace(string(b)), err
}

func writeSysctl(key, value string) error {
	if !filepath.IsLocal(key) {
		return fmt.Errorf("sysctl %q: not a path below %s", key, sysctlRoot)
	}
	// Without O_CREATE, because with it a missing setting gives a misleading error.
	f, err := os.OpenFile(filepath.Join(sysctlRoot, key), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(value); err != nil {
		return fmt.Errorf("set %s to %q: %w", key, value, err)
	}
	return nil
}

// SetRPS makes cpus process the frames that dev receives (Receive Packet Steering). If cpus is
// empty, the core on which a frame arrives processes the frame.
func (ns *NS) SetRPS(dev string, cpus []int) error {
	return ns.WriteSysfs("class/net/"+dev+"/queues/rx-0/rps_cpus", cpuMask(cpus))
}

// cpuMask returns cpus in the kernel's bitmap format: hexadecimal words of 32 bits, the highest
// word first, separated by commas.
func cpuMask(cpus []int) string {
	const wordBits = 32
	words := []uint32{0}
	for _, cpu := range cpus {
		for cpu/wordBits >= len(words) {
			words = append(words, 0)
		}
		words[cpu/wordBits] |= 1 << (cpu % wordBits)
	}
	var b strings.Builder
	for i := len(words) - 1; i >= 0; i-- {
		digits := strconv.FormatUint(uint64(words[i]), 16)
		b.WriteString(strings.Repeat("0", 8-len(digits)) + digits)
		if i > 0 {
			b.WriteByte(',')
		}
	}
	return b.String()
}
