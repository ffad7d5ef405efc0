package netns

import (
	"fmt"
	"syscall"
)

// Inode returns the inode number of the namespace, by which the kernel identifies it
// (namespaces(7)).
func (ns *NS) Inode() (uint32, error) {
	info, err := ns.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", ns.name, err)
	}
	return uint32(info.Sys().(*syscall.Stat_t).Ino), nil
}
