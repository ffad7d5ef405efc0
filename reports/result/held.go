package result

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// Held is this machine's self-test, or the reason why reports carry none.
type Held struct {
	path  string
	held  *Certificate
	fault error
}

// HoldCertificate reads the machine's self-test file. A missing or damaged file is an error only if
// the user named it.
func HoldCertificate(ctx context.Context, path string, named bool) (Held, error) {
	c := Held{path: path}
	data, err := bounded.File(ctx, path, strictjson.MaxFile)
	if err == nil {
		c.held, err = ReadCertificate(bytes.NewReader(data), path)
	}
	switch {
	case err == nil || !named && errors.Is(err, fs.ErrNotExist):
		return c, nil
	case named:
		return c, err
	}
	c.fault = err
	return c, nil
}

// Carry adds the self-test to results of the same machine.
func (c Held) Carry(r *Results) {
	switch {
	case c.fault != nil:
		r.Host.Notes = append(r.Host.Notes, fmt.Sprintf("The machine's self-test cannot be read: %v.", c.fault))
	case c.held == nil:
	case !c.held.Fits(r.Host):
		r.Host.Notes = append(r.Host.Notes, c.path+" was measured on another machine, kernel or core assignment: run tunnelbench certify.")
	default:
		r.Certificate = c.held
	}
}
