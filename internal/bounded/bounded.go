// Package bounded reads the files that users name. A name may lead to anything: a directory, a device
// without an end, a pipe that nobody writes to. So every read has a limit and ends with its context, and
// every error is one line that names the file.
//
//	name ──► File ──► bytes ──► Text ──► UTF-8 without a byte order mark
package bounded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// File returns what is in the file at a path: at most limit bytes. A pipe is read to its end.
func File(ctx context.Context, path string, limit int64) ([]byte, error) {
	return wait(ctx, path, func() ([]byte, error) { return open(path, limit, noDirectory) })
}

// Input reads the file at a path, as File does, or stdin for "-".
func Input(ctx context.Context, path string, stdin io.Reader, limit int64) ([]byte, error) {
	if path == "-" {
		return Stream(ctx, stdin, "standard input", limit)
	}
	return File(ctx, path, limit)
}

// Stream returns what r has to give: at most limit bytes. The name is for errors.
func Stream(ctx context.Context, r io.Reader, name string, limit int64) ([]byte, error) {
	return wait(ctx, name, func() ([]byte, error) { return named(r, name, limit, 0) })
}

// wait returns what fill returns, unless the context ends first.
func wait(ctx context.Context, name string, fill func() ([]byte, error)) ([]byte, error) {
	type answer struct {
		data []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() { // not joined: nothing ends the opening of a pipe that has no writer
		data, err := fill()
		read <- answer{data, err}
	}()
	select {
	case a := <-read:
		return a.data, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
}

// open reads a file that is fit to be read.
func open(path string, limit int64, fit func(fs.FileInfo) error) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := fit(info); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return named(f, path, limit, info.Size())
}

func noDirectory(info fs.FileInfo) error {
	if info.IsDir() {
		return errors.New("is a directory, not a file")
	}
	return nil
}

// named reads r and names it in errors.
func named(r io.Reader, name string, limit, size int64) ([]byte, error) {
	data, err := read(r, limit, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// Reader returns what r has to give: at most limit bytes.
func Reader(r io.Reader, limit int64) ([]byte, error) {
	size := 0
	if known, ok := r.(interface{ Len() int }); ok {
		size = known.Len()
	}
	return read(r, limit, int64(size))
}

// read reads r, which probably has size bytes.
func read(r io.Reader, limit, size int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(size, 0), limit)) + bytes.MinRead + 1) // a Buffer wants room for one more read
	if _, err := b.ReadFrom(io.LimitReader(r, limit+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > limit {
		return nil, fmt.Errorf("is larger than %s", Size(limit))
	}
	return b.Bytes(), nil
}

// Size formats a limit in bytes: "64 KiB".
func Size(limit int64) string {
	if limit < 1<<20 {
		return fmt.Sprintf("%d KiB", limit>>10)
	}
	return fmt.Sprintf("%d MiB", limit>>20)
}
