package cpuname

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const pi5 = "processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x4\nCPU part\t: 0xd0b\nCPU revision\t: 1\n\n"
	for name, c := range map[string]struct{ cpuinfo, arch, want string }{
		"x86":                {"vendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC  7B12\n", "amd64", "AMD EPYC 7B12"},
		"x86 without a name": {"vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: \nstepping\t: 7\n", "amd64", "GenuineIntel amd64 family 6 model 85 stepping 7"},
		"x86 unknown":        {"vendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 1\nmodel name\t: unknown\nstepping\t: 2\n", "amd64", "AuthenticAMD amd64 family 23 model 1 stepping 2"},
		"ARM":                {pi5, "arm64", "ARM Cortex-A76 r4p1"},
		"ARM, two kinds":     {"CPU implementer : 0x41\nCPU part : 0xd05\n\n" + pi5 + pi5, "arm64", "ARM Cortex-A55 + ARM Cortex-A76 r4p1"},
		"ARM, Graviton":      {"CPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n", "arm64", "ARM Neoverse-N1 r3p1"},
		"ARM, unknown part":  {"CPU implementer\t: 0x41\nCPU part\t: 0xfff\n", "arm64", "ARM part 0xfff"},
		"ARM, unknown maker": {"CPU implementer\t: 0x99\nCPU part\t: 0xd0b\n", "arm64", "implementer 0x99 part 0xd0b"},
		"ARM of 32 bits":     {"model name\t: ARMv7 Processor rev 4 (v7l)\nCPU implementer\t: 0x41\nCPU variant\t: 0x0\nCPU part\t: 0xc07\nCPU revision\t: 5\n", "arm", "ARM Cortex-A7 r0p5"},
		"Apple":              {"CPU implementer\t: 0x61\nCPU part\t: 0x022\n\nCPU implementer\t: 0x61\nCPU part\t: 0x023\n", "arm64", "Apple M1 Icestorm + Apple M1 Firestorm"},
		"Ampere":             {"CPU implementer\t: 0xc0\nCPU variant\t: 0x0\nCPU part\t: 0xac3\nCPU revision\t: 0\n", "arm64", "Ampere Ampere-1 r0p0"},
		"RISC-V":             {"processor\t: 0\nhart\t: 1\nisa\t: rv64imafdc\nmmu\t: sv39\nuarch\t: sifive,u74-mc\n", "riscv64", "riscv64 sifive,u74-mc rv64imafdc"},
		"RISC-V by numbers":  {"isa\t: rv64gc\nmvendorid\t: 0x489\nmarchid\t: 0x8000000000000007\n", "riscv64", "riscv64 mvendorid 0x489 marchid 0x8000000000000007 rv64gc"},
		"s390":               {"vendor_id       : IBM/S390\n# processors    : 1\nprocessor 0: version = FF,  identification = 0133E8,  machine = 2964\n", "s390x", "IBM/S390 z13 (machine 2964)"},
		"s390, a new one":    {"vendor_id       : IBM/S390\nprocessor 0: version = 00,  identification = 0133E8,  machine = 9999\n", "s390x", "IBM/S390 machine 9999"},
		"POWER":              {"processor\t: 0\ncpu\t\t: POWER9 (architected), altivec supported\nmachine\t\t: CHRP IBM,9009-42A\n", "ppc64le", "POWER9 (architected), altivec supported, CHRP IBM,9009-42A"},
		"MIPS":               {"system type\t: MT7621\ncpu model\t\t: MIPS 1004Kc V2.15\n", "mipsle", "MIPS 1004Kc V2.15"},
		"LoongArch":          {"Model Name\t\t: Loongson-3A5000\n", "loong64", "Loongson-3A5000"},
		"empty":              {"", "amd64", ""},
		"no field":           {"hello\n:\n", "amd64", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Parse(c.cpuinfo, c.arch)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Machines without a name differ, and their IDs do not show.
func TestUnnamed(t *testing.T) {
	t.Parallel()
	const id = "0123456789abcdef0123456789abcdef"
	one, two := unnamed("arm64", id+"\n"), unnamed("arm64", "f"+id[1:]+"\n")
	if one == two || one != unnamed("arm64", id) || len(one) > 60 || Here() == "" {
		t.Errorf("%q and %q, here %q", one, two, Here())
	}
}
