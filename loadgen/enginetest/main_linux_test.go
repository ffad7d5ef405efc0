package enginetest

import (
	"os"
	"testing"

	"github.com/tunnelbench/tunnelbench/netns"
)

func TestMain(m *testing.M) {
	netns.Helper()
	os.Exit(m.Run())
}
