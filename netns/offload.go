package netns

import (
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// The offload that is also the switch for NAPI on a veth.
const gro = "rx-gro"

// joinsFrames reports whether an offload makes the kernel pass on anything but
// the frames of the wire: many in one (segmentation, GSO, GRO, LRO), or one
// whose checksum is still to be written. Received checksums harm nobody.
func joinsFrames(feature string) bool {
	for _, part := range []string{"segmentation", "gso", "gro", "lro", "tx-checksum", "tx-scatter-gather"} {
		if strings.Contains(feature, part) {
			return true
		}
	}
	return false
}

// Offloads are the active offloads of dev that let more or less than whole
// frames cross a link.
func (ns *NS) Offloads(dev string) ([]string, error) {
	var active []string
	err := ns.Do(func() error {
		features, err := sys.EthFeatures(dev)
		for _, f := range features {
			if f.Active && joinsFrames(f.Name) {
				active = append(active, f.Name)
			}
		}
		return err
	})
	return active, err
}

// setOffloads makes dev carry plain frames unless offloads is set, switches
// GRO, and reads back what became of it.
func (ns *NS) setOffloads(dev string, offloads, wantGRO bool) error {
	return ns.Do(func() error {
		features, err := sys.EthFeatures(dev)
		if err != nil {
			return err
		}
		want := map[string]bool{gro: wantGRO}
		for _, f := range features {
			if !offloads && f.Changeable && f.Name != gro && joinsFrames(f.Name) {
				want[f.Name] = false
			}
		}
		if err := sys.SetEthFeatures(dev, want); err != nil {
			return err
		}
		features, err = sys.EthFeatures(dev)
		if err != nil {
			return err
		}
		return checkOffloads(dev, features, offloads, wantGRO)
	})
}

func checkOffloads(dev string, features []sys.EthFeature, offloads, wantGRO bool) error {
	for _, f := range features {
		switch {
		case f.Name == gro && f.Active != wantGRO:
			return fmt.Errorf("%s: offload %s is %t, wanted %t: this kernel's veth cannot change it", dev, f.Name, f.Active, wantGRO)
		case f.Name != gro && f.Active && !offloads && joinsFrames(f.Name):
			return fmt.Errorf("%s: offload %s stays on: frames would not stay frames", dev, f.Name)
		}
	}
	return nil
}
