package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// pointer matches the file that stands for one of Git LFS, and the hash of that
// (git-lfs, docs/spec.md).
var pointer = regexp.MustCompile(`^version https://[^\n]+\n(?:[^\n]+\n)*?oid sha256:([0-9a-f]{64})\n`)

const mostPointer = 1024 // octets

// fillLFS replaces the pointers of Git LFS in the work tree by the files that they stand for, as far
// as the user's clone has them.
func (r *Repository) fillLFS(ctx context.Context, from *Repository, commit string) error {
	out, err := r.run(ctx, "ls-files", "-z", "--", ":(attr:filter=lfs)")
	if err != nil {
		return err
	}
	for _, path := range fields(out) {
		file := filepath.Join(r.dir, path)
		info, err := os.Lstat(file)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() > mostPointer {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		found := pointer.FindSubmatch(text)
		if found == nil {
			continue
		}
		sum := string(found[1])
		data, err := os.ReadFile(filepath.Join(from.common, "lfs", "objects", sum[:2], sum[2:4], sum))
		if want, _ := hex.DecodeString(sum); err != nil || !bytes.Equal(hashOf(data), want) {
			return fmt.Errorf("%s: %w: it is in Git LFS: git -C %s lfs fetch origin %.12s brings it", path, ErrIncomplete, quoted(from.dir), commit)
		}
		if err := os.WriteFile(file, data, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

func hashOf(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}
