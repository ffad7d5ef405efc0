// Package closers undoes what was set up step by step, the last step first.
package closers

import (
	"errors"
	"slices"
)

// Stack holds what is to be undone. The zero value is empty.
type Stack []func() error

// Push adds a step.
func (s *Stack) Push(undo func() error) { *s = append(*s, undo) }

// Close undoes all steps in reverse order, even if one fails, and empties the stack. It returns all errors.
func (s *Stack) Close() error {
	var errs []error
	for _, undo := range slices.Backward(*s) {
		errs = append(errs, undo())
	}
	*s = nil
	return errors.Join(errs...)
}
