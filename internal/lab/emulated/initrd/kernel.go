package initrd

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Kernel is an installed kernel of the distribution.
type Kernel struct {
	Release string // such as 6.1.0-53-cloud-amd64
	Version string // release, builder and date, which tell two builds of a release apart
	Image   string // path of the image
	modules string // folder of the modules
}

// Install is the command that installs emulator and kernel on Debian.
const Install = "apt-get install --no-install-recommends qemu-system-x86 linux-image-cloud-amd64"

// FindKernel returns the newest kernel below root whose modules are there. The error wraps
// errors.ErrUnsupported if there is none.
func FindKernel(root string) (Kernel, error) {
	images, err := filepath.Glob(filepath.Join(root, "boot/vmlinuz-*"))
	if err != nil {
		return Kernel{}, err
	}
	slices.SortFunc(images, compareVersions)
	errs := []error{fmt.Errorf("%w: no kernel image with modules: %s", errors.ErrUnsupported, Install)}
	for _, image := range slices.Backward(images) {
		k, err := OpenKernel(image)
		switch {
		case err == nil:
			return k, nil
		case errors.Is(err, os.ErrPermission):
			return Kernel{}, fmt.Errorf("%w: sudo chmod +r %s", err, image)
		}
		errs = append(errs, err)
	}
	return Kernel{}, errors.Join(errs[:min(2, len(errs))]...)
}

// OpenKernel reads the release of a kernel image and finds its modules, which are in
// lib/modules/RELEASE below the parent of the image's folder, or below / if they are not there.
func OpenKernel(image string) (Kernel, error) {
	image, err := filepath.Abs(image)
	if err != nil {
		return Kernel{}, err
	}
	f, err := os.Open(image)
	if err != nil {
		return Kernel{}, err
	}
	defer f.Close()
	version, err := imageVersion(f)
	if err != nil {
		return Kernel{}, fmt.Errorf("%s: %w", image, err)
	}
	release, _, _ := strings.Cut(version, " ")
	for _, root := range []string{filepath.Dir(filepath.Dir(image)), "/"} {
		for _, lib := range []string{"lib", "usr/lib"} {
			k := Kernel{Release: release, Version: version, Image: image, modules: filepath.Join(root, lib, "modules", release)}
			if _, err := os.Stat(filepath.Join(k.modules, "modules.dep")); err == nil {
				return k, nil
			}
		}
	}
	return Kernel{}, fmt.Errorf("%w: %s: no modules of kernel %s (modules.dep): %s", errors.ErrUnsupported, image, release, Install)
}

// imageVersion returns the version in the header of a bzImage, which begins with the release
// (https://docs.kernel.org/arch/x86/boot.html).
func imageVersion(r io.ReaderAt) (string, error) {
	const magic, versionPointer, setup, longest = 0x202, 0x20E, 0x200, 256
	var head [16]byte
	if _, err := r.ReadAt(head[:], magic); err != nil || string(head[:4]) != "HdrS" {
		return "", errors.New("is no Linux image for x86 (bzImage)")
	}
	at := int64(binary.LittleEndian.Uint16(head[versionPointer-magic:])) + setup
	text := make([]byte, longest)
	n, err := r.ReadAt(text, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	text, _, found := bytes.Cut(text[:n], []byte{0})
	release, _, _ := strings.Cut(string(text), " ")
	if !found || release == "" || strings.ContainsRune(release, '/') {
		return "", errors.New("its header has no release")
	}
	return string(text), nil
}

// Files returns the files of the modules and of all that they need, in the order of loading
// (modules.dep(5)). A module that is built into the kernel has no file. An optional module that the
// kernel does not have is left out.
func (k Kernel) Files(modules, optional []string) (files []File, err error) {
	needs, err := k.dependencies()
	if err != nil {
		return nil, err
	}
	builtin, err := os.ReadFile(filepath.Join(k.modules, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, name := range slices.Concat(modules, optional) {
		list, ok := needs[name]
		if !ok && i < len(modules) && !bytes.Contains(builtin, []byte("/"+name+".ko")) && !bytes.Contains(builtin, []byte("/"+strings.ReplaceAll(name, "_", "-")+".ko")) {
			return nil, fmt.Errorf("%w: kernel %s has no module %s: --kernel IMAGE takes another, or %s", errors.ErrUnsupported, k.Release, name, Install)
		}
		for _, file := range slices.Backward(list) { // what a module needs comes after it, the most basic one last
			if !seen[file] {
				seen[file] = true
				files = append(files, File{Path: "/modules/" + filepath.Base(file), Source: filepath.Join(k.modules, file), Mode: 0o644})
			}
		}
	}
	return files, nil
}

// dependencies reads modules.dep: for each module its file and the files that it needs.
func (k Kernel) dependencies() (map[string][]string, error) {
	f, err := os.Open(filepath.Join(k.modules, "modules.dep"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	needs := map[string][]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		file, rest, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".ko")
		needs[strings.ReplaceAll(name, "-", "_")] = append([]string{file}, strings.Fields(rest)...)
	}
	return needs, lines.Err()
}

// compareVersions compares two names so that a number counts as a number: 6.9 is below 6.10.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		x, y := chunk(a), chunk(b)
		p, errP := strconv.Atoi(x)
		q, errQ := strconv.Atoi(y)
		c := strings.Compare(x, y)
		if errP == nil && errQ == nil {
			c = cmp.Compare(p, q)
		}
		if c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

// chunk returns the digits, or the text without digits, that s begins with.
func chunk(s string) string {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	n := 1
	for n < len(s) && digit(s[n]) == digit(s[0]) {
		n++
	}
	return s[:n]
}
