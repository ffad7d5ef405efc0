package control

import (
	"bytes"
	"runtime/debug"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// What each target looks for: a panic in this function.
const (
	greFault = "layers.(*GRE).DecodeFromBytes("
	gtpFault = "layers.(*GTPv1U).DecodeFromBytes("
)

func FuzzGRE(f *testing.F) { f.Fuzz(func(_ *testing.T, data []byte) { gre(data) }) }
func FuzzGTP(f *testing.F) { f.Fuzz(func(_ *testing.T, data []byte) { gtp(data) }) }

// gre leaves out what is shorter than the header: that is a fault as well, and
// any engine's first guess.
func gre(data []byte) {
	if len(data) >= 4 {
		decode(layers.LayerTypeGRE, greFault, data)
	}
}

func gtp(data []byte) { decode(layers.LayerTypeGTPv1U, gtpFault, data) }

// decode hands over a copy without a spare octet and has gopacket let its
// panics through. One in another layer, and there are some, is not what is
// looked for.
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

// TestFaultsAreThere: inputs that the engine has found, made small. They are
// no files below testdata, where they would fail every run.
func TestFaultsAreThere(t *testing.T) {
	for name, c := range map[string]struct {
		harness func([]byte)
		data    []byte
		panics  bool
	}{
		"GRE, a checksum that is not there":         {gre, []byte{0x80, 0, 0, 0}, true},
		"GRE, a route that is not there":            {gre, []byte{0x40, 0, 0, 0, 0, 0, 0, 0}, true},
		"GRE, a route that is longer than the rest": {gre, []byte{0x40, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 9, 0}, true},
		"GRE, sound":                            {gre, []byte{0, 0, 0, 0}, false},
		"GTP-U, an extension that is not there": {gtp, []byte{0x34, 0xff, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x85}, true},
		"GTP-U, sound":                          {gtp, []byte{0x30, 0xff, 0, 0, 0, 0, 0, 1}, false},
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
