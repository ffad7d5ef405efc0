package guest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// countRole counts for so long that the test kills it before it is done.
const countRole = "__count"

func init() {
	reexec.Register(countRole, func([]string) error {
		m, err := emulated.Find(context.Background(), "")
		if err != nil {
			return err
		}
		wire, err := dut.Parse("wire")
		if err != nil {
			return err
		}
		b, err := m.Prepare(emulated.Request{Devices: []dut.Device{wire}, Sizes: []rfc2544.FrameSize{64}, Batches: 1e6})
		if err != nil {
			return err
		}
		_, _, err = b.Count(context.Background())
		return err
	})
}

// A program that is killed while it counts leaves no emulator and no files.
func TestKilledLeavesNothing(t *testing.T) {
	_, err := emulated.Find(t.Context(), "")
	testenv.Optional(t, err)
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, countRole)
	cmd.Env, cmd.Stderr = append(os.Environ(), "TMPDIR="+dir), os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var emulator string
	within(t, "the emulator runs", func() bool {
		emulator = child(cmd.Process.Pid)
		return emulator != ""
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	within(t, "the emulator is gone", func() bool { return program(emulator) == "" })
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// within waits for a condition.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute it is not true that %s", what)
		}
	}
}

// child returns the PID of the emulator that a process has started; empty: there is none yet.
func child(pid int) string {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(text)) {
			if strings.Contains(program(pid), "qemu-system") {
				return pid
			}
		}
	}
	return ""
}

// program returns the file that a process runs; empty: the process is gone.
func program(pid string) string {
	exe, _ := os.Readlink("/proc/" + pid + "/exe")
	return exe
}
