package dissector

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// BenchmarkTshark says how many frames tshark shows in a second of a core, with its start: the tester's frames in a
// tunnel, by size of the inner frame with FCS, with and without checksums.
func BenchmarkTshark(b *testing.B) {
	const frames = 50_000
	for _, size := range []int{64, 512, 1518} {
		packets := make([][]byte, frames)
		for i := range packets {
			mark := marked(signature.Signature{Trial: 1, Sequence: uint32(i)}, size-64)
			packets[i] = udp(b, tunnelPort, datagram(7, uint64(i), udp(b, echoPort, mark)))
		}
		file := captured(b, packets...)
		for _, verify := range []string{"TRUE", "FALSE"} {
			b.Run(fmt.Sprintf("size=%d/verify=%s", size, verify), func(b *testing.B) {
				args := with(b, Lua, "-o", "tunnelbench.verify:"+verify)
				before := childrenCPU(b)
				for b.Loop() {
					testenv.TsharkFields(b, file, []string{"tunnelbench.sequence", "tunnelbench.drop", "tunnelbench_signature.sequence"}, args...)
				}
				b.ReportMetric(frames*float64(b.N)/(childrenCPU(b)-before).Seconds(), "frames/cpu-s")
			})
		}
	}
}

// childrenCPU returns the time that programs of this process have had on a core, once they have ended.
func childrenCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
