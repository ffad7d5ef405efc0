package netns

import (
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// gro is the name of the GRO offload. On a veth, turning on GRO also turns on NAPI.
const gro = "rx-gro"

// joinsFrames reports whether an offload changes the frames that cross a link: segmentation, GSO,
// GRO and LRO join several frames into one, and transmit checksum offload leaves out the checksum.
// Receive checksum offload does not change frames.
func joinsFrames(feature string) bool {
	for _, part := range []string{"segmentation", "gso", "gro", "lro", "tx-checksum", "tx-scatter-gather"} {
		if strings.Contains(feature, part) {
			return true
		}
	}
	return false
}

// Offloads returns the names of the active offloads of dev that change frames. See joinsFrames.
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

// setOffloads turns off the offloads of dev that change frames, unless offloads is true, and turns
// GRO on or off. Then it checks the result.
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
