package interop

import (
	"os"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/cpuname"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// NewReport returns the head of a report of this machine.
func NewReport(tool result.Tool, command []string, started time.Time) *interop.Report {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return &interop.Report{
		Schema: interop.Schema, Tool: tool, CPU: cpuname.Here(), Kernel: strings.TrimSpace(string(kernel)), Command: command, Started: started.UTC(),
		Ends: []string{}, Checks: []interop.CheckInfo{}, Cells: []interop.Cell{},
	}
}
