package sys

// EthFeature is one offload of an interface.
type EthFeature struct {
	Name       string // the kernel's word, as ethtool -k prints it: "tx-generic-segmentation"
	Active     bool
	Changeable bool
}
