// Package recipes holds what it takes to measure tunnels that other people wrote. A folder here is a recipe:
//
//	recipes/fastd/recipe.yaml   what it is, how it is installed, its variants
//	recipes/fastd/tunnel.sh     one end of the tunnel, by the contract of docs/exec.md
//	recipes/fastd/...           what the script reads or what is built: templates, sources
//
// The folders are part of the program, so that a recipe is there wherever the program is. The package is pure:
// it reads and checks recipes. internal/installation says what of them this machine has, netns/dut runs them.
package recipes

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"
)

// What a tunnel carries.
const (
	Packets = "packets" // IP packets, through an interface
	Streams = "streams" // TCP connections, from a listener to a target
)

// The files that each recipe has.
const (
	Sheet  = "recipe.yaml"
	Script = "tunnel.sh"
)

// Plain is what Variant.Seals holds for a variant that encrypts nothing.
const Plain = "no"

// Recipe is a tunnel of other people: what it is, how it is installed and in which variants it runs.
type Recipe struct {
	Name      string
	About     string // one line
	Home      string // address of the project
	Licence   string // SPDX name
	Language  string // of the program measured
	Carries   string // Packets or Streams
	Install   Install
	Programs  []string      // what has to be found
	Version   []string      // the command that prints the version; empty: there is none
	Variants  []Variant     // at least one; the first is the default
	UpTimeout time.Duration // 0: what the script says, or the contract's
	Cannot    []string      // what the tunnel cannot do, a line each

	files fs.FS
}

// Install says how the programs get onto a machine. What is given is done in this order.
type Install struct {
	Apt   []string // Debian packages
	Go    []string // packages with their version, for go install
	Cargo []string // crates with their version
	NPM   []string // packages with their version
	Build []string // shell commands, run in a copy of the recipe's folder; they put programs into $OUT
}

// Variant is a way to run the tunnel: a device of its own.
type Variant struct {
	Name     string
	Params   map[string]string // the script's parameters
	Carrier  string            // what is on the wire below the tunnel, such as UDP
	Seals    string            // the cipher, or Plain
	Overhead int               // octets per inner IPv4 packet, outer IPv4 header included; 0: unknown
	Language string            // of the program, where the variants differ
}

//go:embed */*
var embedded embed.FS

// All returns the recipes that are part of this program, sorted by name. It returns an error if one cannot be
// read: this cannot happen in a program whose tests passed.
func All() ([]Recipe, error) { return all() }

var all = sync.OnceValues(func() ([]Recipe, error) { return Load(embedded) })

// Find returns a recipe by its name.
func Find(name string) (Recipe, error) {
	known, err := All()
	if err != nil {
		return Recipe{}, err
	}
	var names []string
	for _, r := range known {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return Recipe{}, fmt.Errorf("no recipe %q: use %s", name, strings.Join(names, ", "))
}

// Load reads the recipes in the folders of a file system, sorted by name. It does not check their scripts: Check
// does.
func Load(files fs.FS) (out []Recipe, err error) {
	sheets, err := fs.Glob(files, "*/"+Sheet)
	if err != nil {
		return nil, err
	}
	for _, sheet := range sheets {
		name := strings.TrimSuffix(sheet, "/"+Sheet)
		folder, err := fs.Sub(files, name)
		if err != nil {
			return nil, err
		}
		r, err := Read(name, folder)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Recipe) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Variant returns the variant of a name. The empty name is that of the default.
func (r Recipe) Variant(name string) (Variant, error) {
	if name == "" {
		return r.Variants[0], nil
	}
	var names []string
	for _, v := range r.Variants {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return Variant{}, fmt.Errorf("recipe %s has no variant %q: use %s", r.Name, name, strings.Join(names, ", "))
}

// Device returns the name of the device that a variant is, such as recipe:fastd/aes128-gcm. The variant's name is
// left out where there is only one.
func (r Recipe) Device(v Variant) string {
	if len(r.Variants) == 1 {
		return Prefix + r.Name
	}
	return Prefix + r.Name + "/" + v.Name
}

// Prefix begins the names of devices that are recipes.
const Prefix = "recipe:"

// Files returns the recipe's folder.
func (r Recipe) Files() fs.FS { return r.files }

// Sealed reports whether the variant encrypts and authenticates.
func (v Variant) Sealed() bool { return v.Seals != Plain }
