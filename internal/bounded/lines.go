package bounded

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
)

// Lines returns the lines of a file of records, a record on each, with their numbers from 1. It leaves
// out empty lines, spaces at the ends of a line, byte order marks, and the NUL bytes that a machine
// which lost its power leaves at the end of a file.
func Lines(data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		n := 0
		for line := range bytes.Lines(data) {
			n++
			line = bytes.TrimSpace(bytes.TrimPrefix(bytes.Trim(line, "\x00\n"), mark))
			if len(line) > 0 && !yield(n, line) {
				return
			}
		}
	}
}

// AppendLine appends a line to the file at a path, which it creates if needed. If the last line has no
// end, because its writer was killed, a new one is begun.
func AppendLine(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	last := []byte{'\n'}
	if info, unknown := f.Stat(); unknown == nil && info.Mode().IsRegular() && info.Size() > 0 {
		if _, err := f.ReadAt(last, info.Size()-1); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
		}
	}
	if last[0] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Close())
}
