// Package cpuname names the processor of this machine. The name is never empty, so that two machines
// do not look the same for want of one.
package cpuname

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Here returns the name of this machine's processor.
func Here() string {
	if name := Parse(read("/proc/cpuinfo"), runtime.GOARCH); name != "" {
		return name
	}
	if model := strings.TrimRight(read("/proc/device-tree/model"), "\x00\n"); model != "" {
		return runtime.GOARCH + " processor of a " + model
	}
	return unnamed(runtime.GOARCH, read("/etc/machine-id"))
}

// read returns the first part of a file; empty if there is none.
func read(path string) string {
	const most = 1 << 20
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, most))
	return string(b)
}

// unnamed tells machines apart whose processor has no name. The machine's ID is confidential
// (machine-id(5)), so only a part of its hash is shown.
func unnamed(arch, machineID string) string {
	if machineID = strings.TrimSpace(machineID); machineID == "" {
		machineID, _ = os.Hostname()
	}
	sum := sha256.Sum256([]byte("tunnelbench " + machineID))
	return "unnamed " + arch + " processor of machine " + hex.EncodeToString(sum[:4])
}

// fields are the values of /proc/cpuinfo by key, in their order and none twice: the cores of a
// machine may differ.
type fields map[string][]string

func fieldsOf(cpuinfo string) fields {
	f := fields{}
	for line := range strings.Lines(cpuinfo) {
		key, value, ok := strings.Cut(line, ":")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.Join(strings.Fields(value), " ")
		if ok && value != "" && !slices.Contains(f[key], value) {
			f[key] = append(f[key], value)
		}
	}
	return f
}

// first returns the first value of the first key that has one.
func (f fields) first(keys ...string) string {
	for _, key := range keys {
		if len(f[key]) > 0 {
			return f[key][0]
		}
	}
	return ""
}

// Parse returns the name of the processor that /proc/cpuinfo describes on an architecture of Go;
// empty if it describes none.
func Parse(cpuinfo, arch string) string {
	f := fieldsOf(cpuinfo)
	switch {
	case f.first("cpu implementer") != "":
		return armName(cpuinfo)
	case f.first("isa") != "":
		return riscvName(f, arch)
	case arch == "s390x":
		return s390Name(f)
	}
	name := f.first("model name", "cpu model", "cpu", "processor name")
	if name == "" || strings.EqualFold(name, "unknown") {
		return familyName(f, arch)
	}
	if machine := f.first("machine"); strings.HasPrefix(arch, "ppc64") && machine != "" {
		name += ", " + machine
	}
	return name
}

// familyName names an x86 processor without a model name by its numbers.
func familyName(f fields, arch string) string {
	vendor, family, model := f.first("vendor_id"), f.first("cpu family"), f.first("model")
	if vendor == "" && family == "" {
		return ""
	}
	return strings.Join(strings.Fields(vendor+" "+arch+" family "+family+" model "+model+" stepping "+f.first("stepping")), " ")
}

func riscvName(f fields, arch string) string {
	name := arch + " " + f.first("uarch", "model name")
	for _, key := range []string{"mvendorid", "marchid", "mimpid"} {
		if v := f.first(key); v != "" {
			name += " " + key + " " + v
		}
	}
	return strings.Join(strings.Fields(name+" "+f.first("isa")), " ")
}

// s390Name returns the machine's number, which is in a line of each processor:
//
//	processor 0: version = FF,  identification = 0133E8,  machine = 2964
func s390Name(f fields) string {
	vendor := f.first("vendor_id")
	for key, values := range f {
		_, machine, ok := strings.Cut(values[0], "machine = ")
		if !ok || !strings.HasPrefix(key, "processor ") {
			continue
		}
		number, _, _ := strings.Cut(machine, ",")
		if model, known := s390Machines[number]; known {
			return vendor + " " + model + " (machine " + number + ")"
		}
		return vendor + " machine " + number
	}
	return vendor
}

// armName names the kinds of cores in the order in which they come, such as "ARM Cortex-A55 + ARM
// Cortex-A76".
func armName(cpuinfo string) string {
	var kinds []string
	for block := range strings.SplitSeq(cpuinfo, "\n\n") {
		f := fieldsOf(block)
		if f.first("cpu implementer") == "" {
			continue
		}
		if kind := armCore(f); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return strings.Join(kinds, " + ")
}

// armCore names one kind of core, with its variant and revision as ARM writes them: r3p1.
func armCore(f fields) string {
	maker, part := f.first("cpu implementer"), f.first("cpu part")
	name := "implementer " + maker
	if known, ok := armMakers[number(maker)]; ok {
		name = known
	}
	if known, ok := armParts[armPart{number(maker), number(part)}]; ok {
		name += " " + known
	} else if part != "" {
		name += " part " + part
	}
	if variant, revision := f.first("cpu variant"), f.first("cpu revision"); variant != "" && revision != "" {
		name += " r" + strconv.FormatUint(number(variant), 10) + "p" + revision
	}
	return name
}

// number returns a number such as 0x41. What is no number is 0, which nobody uses.
func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 0, 32)
	return n
}
