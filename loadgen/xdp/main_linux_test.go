package xdp

import (
	"os"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}
