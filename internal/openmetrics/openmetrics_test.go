package openmetrics

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "9469", "localhost:", "localhost:x", "localhost:70000", "example.com:1", "a b:1"} {
		if _, err := Listen(bad); !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(s.Addr()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
