//go:build unix

package bounded

import (
	"io/fs"
	"syscall"
)

// owner returns the user that a file is of.
func owner(info fs.FileInfo) (uid int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}
