package netns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func testLock(t *testing.T) string { return fmt.Sprintf("@tb-test-%d-%s", os.Getpid(), t.Name()) }

func TestLockNamesItsHolder(t *testing.T) {
	name := testLock(t)
	held := must[*Held](t)(lockAs(t.Context(), name, false))
	_, err := lockAs(t.Context(), name, false)
	want := fmt.Sprintf("another lab is running (pid %d): wait for it, or pass --wait", os.Getpid())
	if !errors.Is(err, ErrLocked) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	must[*Held](t)(lockAs(t.Context(), name, false)).Close()
}

func TestLockWaits(t *testing.T) {
	name := testLock(t)
	held := must[*Held](t)(lockAs(t.Context(), name, false))
	type outcome struct {
		held *Held
		err  error
	}
	got := make(chan outcome, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() {
		h, err := lockAs(ctx, name, true)
		got <- outcome{h, err}
	}()
	select {
	case o := <-got:
		t.Fatalf("did not wait: %v", o.err)
	case <-time.After(30 * time.Millisecond):
	}
	held.Close()
	o := <-got
	if o.err != nil {
		t.Fatal(o.err)
	}
	o.held.Close()
}

func TestLockWaitEndsWithContext(t *testing.T) {
	name := testLock(t)
	held := must[*Held](t)(lockAs(t.Context(), name, false))
	defer held.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := lockAs(ctx, name, true); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want the context's error", err)
	}
}
