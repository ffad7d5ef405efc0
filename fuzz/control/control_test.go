package control

import (
	"bytes"
	"runtime/debug"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// The function in which each target must find a panic.
const (
	greFault = "layers.(*GRE).DecodeFromBytes("
	gtpFault = "layers.(*GTPv1U).DecodeFromBytes("
)

func FuzzGRE(f *testing.F) { f.Fuzz(func(_ *testing.T, data []byte) { gre(data) }) }
func FuzzGTP(f *testing.F) { f.Fuzz(func(_ *testing.T, data []byte) { gtp(data) }) }

// gre ignores inputs shorter than the header. They are a fault as well, but every engine finds them at
// once.
func gre(data []byte) {
	if len(data) >= 4 {
		decode(layers.LayerTypeGRE, greFault, data)
	}
}

func gtp(data []byte) { decode(layers.LayerTypeGTPv1U, gtpFault, data) }

// decode passes a copy without spare capacity and does not recover panics in the function fault. It
// ignores the panics of other layers, since some have faults, too.
func decode(first gopacket.LayerType, fault string, data []byte) {
	defer func() {
		if seen := recover(); seen != nil && bytes.Contains(debug.Stack(), []byte(fault)) {
			panic(seen)
		}
	}()
	exact := make([]byte, len(data))
	copy(exact, data)
	gopacket.NewPacket(exact, first, gopacket.DecodeOptions{NoCopy: true, SkipDecodeRecovery: true})
}

// TestFaultsAreThere has minimised inputs that the engine found. They are not in testdata, where they
// would fail every run.
func TestFaultsAreThere(t *testing.T) {
	for name, c := range map[string]struct {
		harness func([]byte)
		data    []byte
		panics  bool
	}{
		"GRE, missing checksum":             {gre, []byte{0x80, 0, 0, 0}, true},
		"GRE, missing route":                {gre, []byte{0x40, 0, 0, 0, 0, 0, 0, 0}, true},
		"GRE, route longer than the packet": {gre, []byte{0x40, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 9, 0}, true},
		"GRE, sound":                        {gre, []byte{0, 0, 0, 0}, false},
		"GTP-U, missing extension":          {gtp, []byte{0x34, 0xff, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x85}, true},
		"GTP-U, sound":                      {gtp, []byte{0x30, 0xff, 0, 0, 0, 0, 0, 1}, false},
	} {
		if got := panics(c.harness, c.data); got != c.panics {
			t.Errorf("%s: panics %v, want %v", name, got, c.panics)
		}
	}
}

func panics(harness func([]byte), data []byte) (yes bool) {
	defer func() { yes = recover() != nil }()
	harness(data)
	return false
}
