package bounded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
)

// Secret returns what is in a file with keys: at most limit bytes. It refuses what is no regular file, a file
// that others than its owner may read or write, and one whose owner is another user than the one who has started this
// program, sudo(8) included.
func Secret(ctx context.Context, path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // first, because opening a pipe waits for a writer
	if err != nil {
		return nil, err
	}
	if err := secret(info); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return wait(ctx, path, func() ([]byte, error) { return open(path, limit, secret) }) // the name may lead to another by now
}

// AppendSecret opens a file to which keys are appended. It makes the file for its owner only, and refuses one
// that Secret refuses.
func AppendSecret(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil { // first, because opening a pipe waits for a reader
		if err := secret(info); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = secret(info) // the name may lead to another by now
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, nil
}

// secret returns why a file is no place for keys.
func secret(info fs.FileInfo) error {
	const others = 0o077
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return errors.New("is no regular file")
	case mode.Perm()&others != 0 && runtime.GOOS != "windows": // which has no such bits
		return fmt.Errorf("has keys, and others may use it (mode %#o): chmod 600", mode.Perm())
	}
	if uid, known := owner(info); known && uid != os.Geteuid() && strconv.Itoa(uid) != os.Getenv("SUDO_UID") {
		return fmt.Errorf("has keys, and is of another user, who may use it (uid %d): chown %d", uid, os.Geteuid())
	}
	return nil
}
