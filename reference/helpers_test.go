package reference

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// ipPacket returns an inner packet of n bytes with the given IP version.
func ipPacket(version byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i)
	}
	if n > 0 {
		p[0] = version<<4 | 5
	}
	return p
}

// datagram returns a payload with a header.
func datagram(tunnel uint32, sequence uint64, payload []byte) []byte {
	d := append(make([]byte, wire.HeaderLen), payload...)
	wire.PutHeader(d, tunnel, sequence)
	return d
}

func TestDropNames(t *testing.T) {
	seen := map[string]Drop{}
	for d := range numDrops {
		name := d.String()
		if other, twice := seen[name]; name == "" || name == "unknown" || twice {
			t.Errorf("drop %d is called %q, as is %d", d, name, other)
		}
		seen[name] = d
	}
	if numDrops.String() != "unknown" {
		t.Error("a number without a name must say so")
	}
}
