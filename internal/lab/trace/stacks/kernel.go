package stacks

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
)

// errHidden means that the kernel shows no addresses.
var errHidden = errors.New("/proc/kallsyms has no addresses: set kernel.kptr_restrict to 0 or 1, and run as root")

const page = 4096

// runningKernel reads the functions of the kernel that runs.
func runningKernel() (table, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	t, err := kernelTable(f)
	return t, errors.Join(err, f.Close())
}

// kernelTable reads the functions of a kernel in the format of /proc/kallsyms: lines of address, type, name, and for those of a module
// its name in brackets.
func kernelTable(r io.Reader) (table, error) {
	var functions []symbol
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || !strings.Contains("tTwW", fields[1]) {
			continue
		}
		if start, err := strconv.ParseUint(fields[0], 16, 64); err == nil && start != 0 {
			functions = append(functions, symbol{start: start, name: fields[2]})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(functions) == 0 {
		return nil, errHidden
	}
	t := tableOf(functions)
	t[len(t)-1].end = t[len(t)-1].start + page // nothing tells
	return t, nil
}
