package netns

import (
	"fmt"
	"syscall"
)

// Inode is the number by which the kernel knows the namespace.
func (ns *NS) Inode() (uint32, error) {
	info, err := ns.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", ns.name, err)
	}
	return uint32(info.Sys().(*syscall.Stat_t).Ino), nil
}
