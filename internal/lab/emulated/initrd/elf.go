package initrd

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var elfMagic = []byte(elf.ELFMAG)

// libraryPath is where the loader looks for libraries (ld.so(8)), on Debian and elsewhere.
var libraryPath = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"}

// binary packs the loader and the libraries that a binary names.
func (p *packer) binary(file string) error {
	b, err := elf.Open(file)
	if err != nil {
		return err
	}
	defer b.Close()
	if b.Machine != elf.EM_X86_64 {
		return fmt.Errorf("is for %v, the emulated machine is for %v", b.Machine, elf.EM_X86_64)
	}
	if section := b.Section(".interp"); section != nil {
		text, err := section.Data()
		if err != nil {
			return err
		}
		if err := p.addHost(strings.TrimRight(string(text), "\x00"), ""); err != nil {
			return fmt.Errorf("its loader: %w", err)
		}
	}
	libraries, err := b.ImportedLibraries()
	if err != nil {
		return err
	}
	folders := append(ownPath(b, filepath.Dir(file)), libraryPath...)
	for _, name := range libraries {
		i := slices.IndexFunc(folders, func(folder string) bool {
			_, err := os.Stat(filepath.Join(folder, name))
			return err == nil
		})
		if i < 0 {
			return fmt.Errorf("needs the library %s, which is not installed", name)
		}
		if err := p.addHost(filepath.Join(folders[i], name), Libraries); err != nil {
			return err
		}
	}
	return nil
}

// ownPath returns the folders that a binary itself wants to be searched. origin is its folder.
func ownPath(b *elf.File, origin string) (folders []string) {
	expand := strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin)
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		lists, err := b.DynString(tag)
		if err != nil {
			continue // a static binary has none
		}
		for _, list := range lists {
			folders = append(folders, strings.Split(expand.Replace(list), ":")...)
		}
	}
	return folders
}
