package closers

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCloseUndoesInReverseOrderOnce(t *testing.T) {
	t.Parallel()
	var s Stack
	var undone []int
	broken := errors.New("broken")
	for i, err := range []error{nil, broken, nil} {
		s.Push(func() error {
			undone = append(undone, i)
			return err
		})
	}
	if err := s.Close(); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("an empty stack: %v", err)
	}
	if diff := cmp.Diff([]int{2, 1, 0}, undone); diff != "" {
		t.Error(diff)
	}
}
