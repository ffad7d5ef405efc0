package loadgen

// DropPlace is where and why the kernel dropped packets.
type DropPlace struct {
	NetNS     uint32 // inode of the network namespace
	Interface int    // index in that namespace
	Reason    string // of enum skb_drop_reason, without its prefix
}
