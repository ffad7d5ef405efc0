package sys

// EthFeature is one offload of an interface.
type EthFeature struct {
	Name       string // as ethtool -k prints it, such as "tx-generic-segmentation"
	Active     bool
	Changeable bool
}
