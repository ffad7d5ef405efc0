package stacks

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// mapping is a part of a process' memory that has code.
type mapping struct {
	start, end, offset uint64
	file               string // device and inode; the same for two processes that run the same file
	path               string
}

// mappingsOf reads the format of /proc/PID/maps (proc_pid_maps(5)).
func mappingsOf(r io.Reader) (code []mapping, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var m mapping
		var rights, device, inode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s %x %s %s", &m.start, &m.end, &rights, &m.offset, &device, &inode); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		if !strings.Contains(rights, "x") {
			continue
		}
		m.file = device + " " + inode
		if fields := strings.SplitN(lines.Text(), " ", 6); len(fields) == 6 {
			m.path = strings.TrimLeft(fields[5], " ")
		}
		code = append(code, m)
	}
	return code, lines.Err()
}
