package initrd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// File is a file of the guest.
type File struct {
	Path   string // in the guest, absolute
	Source string // path on the host; empty: the content is Text
	Text   []byte
	Mode   os.FileMode // permission bits
}

// mountPoints are the folders that the guest's first process needs.
var mountPoints = []string{"/dev", "/proc", "/run", "/sys", "/tmp"}

// Write writes an archive with the files and with the folders that they are in, in the order of
// their paths and without times, so that equal files make an equal archive.
func Write(name string, files []File) (err error) {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := cpio.NewWriter(out)
	for _, dir := range folders(files) {
		if err := w.WriteHeader(&cpio.Header{Name: strings.TrimPrefix(dir, "/"), Mode: cpio.TypeDir | 0o755, Links: 2}); err != nil {
			return fmt.Errorf("archive: %s: %w", dir, err)
		}
	}
	sorted := slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	sorted = slices.CompactFunc(sorted, func(a, b File) bool { return a.Path == b.Path })
	for _, f := range sorted {
		if err := add(w, f); err != nil {
			return fmt.Errorf("archive: %s: %w", f.Path, err)
		}
	}
	return w.Close()
}

// folders returns the folders of the files and the mount points, each after its parent.
func folders(files []File) []string {
	all := slices.Clone(mountPoints)
	for _, f := range files {
		for dir := path.Dir(f.Path); dir != "/"; dir = path.Dir(dir) {
			all = append(all, dir)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func add(w *cpio.Writer, f File) error {
	h := &cpio.Header{Name: strings.TrimPrefix(f.Path, "/"), Mode: cpio.TypeReg | cpio.FileMode(f.Mode.Perm()), Links: 1, Size: int64(len(f.Text))}
	if f.Source == "" {
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := w.Write(f.Text)
		return err
	}
	in, err := os.Open(f.Source)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}
