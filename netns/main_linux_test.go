package netns

import (
	"os"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
)

// roleEnv is an environment variable that makes a re-executed test binary run playLab.
const roleEnv = "TB_TEST_LAB"

func TestMain(m *testing.M) {
	// Without this setting, the race detector delays the exit of every process by one second.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	reexec.Main()
	if os.Getenv(roleEnv) != "" {
		playLab()
	}
	os.Exit(m.Run())
}

// eventually polls until the condition is true. what describes the condition for the error.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	const limit, pause = 30 * time.Second, 5 * time.Millisecond
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(pause) {
		if condition() {
			return
		}
	}
	t.Fatalf("waited %v for %s", limit, what)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
