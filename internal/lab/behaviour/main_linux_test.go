package behaviour

import (
	"os"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

// openBench opens a lab for a device.
func openBench(t *testing.T, spec string) *Bench {
	t.Helper()
	testenv.NetAdmin(t)
	d, err := dut.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.Open(t.Context(), lab.Config{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Bench{Lab: l, Device: d}
}
