package initrd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mostOctets limits what Pack takes: the guest holds all of it in memory.
const mostOctets = 256 << 20

// Folders of the guest for what is packed from the host's own folders.
const (
	programs = "/usr/local/bin"
	// Libraries is where the loader has to look for libraries (LD_LIBRARY_PATH).
	Libraries = "/lib/packed"
)

// Pack returns the files that a program needs in the guest, where the folder root becomes the folder
// to: all files of root (without .git), the programs of this host that its scripts name or that tunnels
// usually run, and the shells and shared libraries of all of them. It returns an error that names what the program itself,
// or a program that a script names, lacks.
func Pack(program, root, to string) ([]File, error) {
	p := packer{seen: map[string]bool{}}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() {
			return nil // a broken link or a socket is nothing that the program can need
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		return p.add(need{file, file != program}, path.Join(to, filepath.ToSlash(rel)), info)
	})
	if err != nil {
		return nil, err
	}
	for _, name := range usual {
		if found, err := exec.LookPath(name); err == nil {
			if err := p.addHost(found, programs); err != nil {
				return nil, err
			}
		}
	}
	return p.all()
}

// usual are programs of this host that tunnels run by themselves, without a script that names them.
var usual = []string{"sh", "ip", "tc", "wg", "sysctl"}

// Program returns a program as the file at of the guest, with the loader and the libraries that it
// needs.
func Program(program, at string) ([]File, error) {
	p := packer{seen: map[string]bool{}}
	info, err := os.Stat(program)
	if err == nil {
		err = p.add(need{file: program}, at, info)
	}
	if err != nil {
		return nil, err
	}
	return p.all()
}

type packer struct {
	files  []File
	octets int64
	seen   map[string]bool // by path in the guest
	todo   []need
}

// need is a program or library whose own needs are not packed yet. Perhaps says that nobody may run
// it: what it lacks is then no error.
type need struct {
	file    string
	perhaps bool
}

// all packs what the packed files need, and what that needs, and returns all files.
func (p *packer) all() ([]File, error) {
	for len(p.todo) > 0 {
		n := p.todo[0]
		p.todo = p.todo[1:]
		if err := p.needs(n.file); err != nil && !n.perhaps {
			return nil, fmt.Errorf("%s: %w", n.file, err)
		}
	}
	return p.files, nil
}

// add packs a file, if it is not packed yet.
func (p *packer) add(n need, to string, info fs.FileInfo) error {
	if p.seen[to] {
		return nil
	}
	p.seen[to] = true
	if p.octets += info.Size(); p.octets > mostOctets {
		return fmt.Errorf("more than %d MiB, too much for the emulated machine: put the program into a folder with only what it needs", mostOctets>>20)
	}
	p.files = append(p.files, File{Path: to, Source: n.file, Mode: info.Mode().Perm()})
	if info.Mode()&0o111 != 0 || strings.HasPrefix(to, Libraries) {
		p.todo = append(p.todo, n)
	}
	return nil
}

// addHost packs a file of the host into a folder of the guest, or at its own path if folder is empty.
func (p *packer) addHost(file, folder string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	to := file
	if folder != "" {
		to = path.Join(folder, filepath.Base(file))
	}
	return p.add(need{file: file}, to, info)
}

// needs packs what a script names, or the loader and the libraries of a binary.
func (p *packer) needs(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(text, []byte("#!")):
		line, _, _ := strings.Cut(string(text[2:]), "\n")
		if err := p.interpreter(strings.Fields(line)); err != nil {
			return err
		}
		return p.named(text)
	case bytes.HasPrefix(text, elfMagic):
		return p.binary(file)
	}
	return nil
}

// words are what a script can name a program with.
var words = regexp.MustCompile(`[A-Za-z0-9_.+/-]+`)

// named packs the programs of this host that a script names. Words that name no program are ignored.
func (p *packer) named(script []byte) error {
	for line := range bytes.Lines(script) {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("#")) {
			continue
		}
		for _, word := range words.FindAllString(string(line), -1) {
			found, err := exec.LookPath(word)
			if err != nil || !filepath.IsAbs(found) {
				continue
			}
			folder := programs
			if filepath.IsAbs(word) {
				folder = "" // the script looks for it there
			}
			if err := p.addHost(found, folder); err != nil {
				return err
			}
		}
	}
	return nil
}

// shells are the interpreters that are a single file. Others need libraries of their own.
var shells = []string{"sh", "bash", "dash", "ash", "ksh", "zsh"}

// interpreter packs the shell in the line after #!.
func (p *packer) interpreter(line []string) error {
	if len(line) == 0 {
		return errors.New("names no interpreter in its first line")
	}
	shell := line[0]
	if path.Base(shell) == "env" {
		if err := p.addHost(shell, ""); err != nil {
			return fmt.Errorf("its interpreter: %w", err)
		}
		i := slices.IndexFunc(line[1:], func(word string) bool { return !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") })
		if i < 0 {
			return errors.New("names no interpreter after env")
		}
		shell = line[1+i]
	}
	if !slices.Contains(shells, path.Base(shell)) {
		return fmt.Errorf("needs %s, which the emulated machine does not have: it has shells (%s) and runs binaries", path.Base(shell), strings.Join(shells, ", "))
	}
	found, err := exec.LookPath(shell)
	if err != nil {
		return fmt.Errorf("its interpreter: %w", err)
	}
	if path.IsAbs(shell) {
		return p.addHost(found, "")
	}
	return p.addHost(found, programs)
}
