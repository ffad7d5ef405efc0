// Package wgquick reads a wg-quick(8) file into a settings.Config: what such a file says of WireGuard itself. What it
// says of the machine around it (addresses, routes, shell commands) is refused by name, with what to do instead.
//
//	[Interface] PrivateKey ListenPort MTU
//	[Peer]      PublicKey PresharedKey AllowedIPs Endpoint PersistentKeepalive
//
// Errors are one line, "name:line: reason", and never show a key that is not public.
package wgquick

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// MaxSize is the size limit of a file, in bytes.
const MaxSize = 1 << 20

// DefaultMTU is the MTU of a file that has none, as wg-quick has it on an Ethernet.
const DefaultMTU = 1420

// File is a Config that was read from a file, with the line of each key.
type File struct {
	Config settings.Config
	name   string
	lines  map[string]int // by field of the Config
}

// ReadFile reads the file at a path, as Read does. It has keys: only its owner may read it.
func ReadFile(ctx context.Context, path string, end settings.Config) (*File, error) {
	data, err := bounded.Secret(ctx, path, MaxSize)
	if err != nil {
		return nil, err
	}
	return Read(path, data, end)
}

// Read reads what a file says into end, which has the rest of the Config, and validates the result.
func Read(name string, data []byte, end settings.Config) (*File, error) {
	data, err := bounded.Text(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := reader{file: &File{Config: end, name: name, lines: map[string]int{}}, public: map[wireguard.PublicKey]int{}, allowed: map[netip.Prefix]int{}, seen: map[string]int{}}
	r.file.Config.MTU = DefaultMTU
	r.file.Config.Peers = nil
	for line := range strings.Lines(string(data)) {
		r.line++
		if err := r.read(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, r.line, err)
		}
	}
	if err := r.finish(); err != nil {
		return nil, r.file.At(err)
	}
	return r.file, nil
}

// reader is in the middle of a file.
type reader struct {
	file    *File
	line    int
	section string                      // interface or peer; empty before the first
	seen    map[string]int              // lines of this section's keys
	public  map[wireguard.PublicKey]int // lines of keys
	allowed map[netip.Prefix]int        // lines of prefixes
	first   int                         // line of [Interface]
	port    uint16
}

// word is what can be shown of a line: a name, and not a key without one.
var word = regexp.MustCompile(`^[A-Za-z]{1,24}$`)

// read reads a line.
func (r *reader) read(line string) error {
	line, _, _ = strings.Cut(line, "#")
	if line = strings.TrimSpace(line); line == "" {
		return nil
	}
	if line[0] == '[' {
		return r.begin(line)
	}
	name, value, ok := strings.Cut(line, "=")
	if name, value = strings.TrimSpace(name), strings.TrimSpace(value); !ok || !word.MatchString(name) {
		return errors.New("want [Interface], [Peer], or NAME = VALUE")
	}
	key, known := keys[r.section][strings.ToLower(name)]
	switch {
	case r.section == "":
		return fmt.Errorf("%s: want [Interface] or [Peer] first", name)
	case refused[strings.ToLower(name)] != "":
		return fmt.Errorf("%s: is not supported: %s", name, refused[strings.ToLower(name)])
	case !known:
		return fmt.Errorf("%s: is no name of [%s]", name, titles[r.section])
	case r.seen[key.name] > 0 && !key.many:
		return fmt.Errorf("%s: is there twice: first in line %d", key.name, r.seen[key.name])
	}
	r.seen[key.name] = r.line
	if field := r.field(key.field); key.field != "" && r.file.lines[field] == 0 {
		r.file.lines[field] = r.line
	}
	if err := key.set(r, value); err != nil {
		return fmt.Errorf("%s: %w", key.name, err)
	}
	return nil
}

// begin begins a section.
func (r *reader) begin(line string) error {
	switch r.section = strings.ToLower(strings.Trim(line, "[] \t")); {
	case titles[r.section] == "" || line[len(line)-1] != ']':
		return errors.New("want [Interface] or [Peer]")
	case r.section == "interface" && r.first > 0:
		return fmt.Errorf("[Interface] is there twice: first in line %d", r.first)
	case r.section == "interface":
		r.first = r.line
		r.file.lines[""] = r.line
	default:
		r.file.Config.Peers = append(r.file.Config.Peers, settings.Peer{ID: uint32(len(r.file.Config.Peers) + 1)})
		r.file.lines[r.field("")] = r.line
	}
	clear(r.seen)
	return nil
}

var titles = map[string]string{"interface": "Interface", "peer": "Peer"}

// field returns the path of a field of the section.
func (r *reader) field(name string) string {
	if r.section == "peer" {
		return strings.TrimSuffix(settings.PeerField(len(r.file.Config.Peers)-1, name), ".")
	}
	return name
}

// finish completes the Config.
func (r *reader) finish() error {
	c := &r.file.Config
	switch {
	case r.first == 0:
		return errors.New("has no [Interface]")
	case len(c.Peers) == 0:
		return settings.WrongField("peers", "is missing")
	case r.file.lines["private_key_file"] == 0:
		return settings.WrongField("private_key_file", "is missing: tunnelbench tunnel genkey makes one")
	case !c.Sealed():
		return settings.WrongField("private_key_file", "a key of zeros is none")
	}
	c.Listen = netip.AddrPortFrom(netip.IPv6Unspecified(), r.port) // takes both families, also of peers that join later
	return c.Validate()
}

// names are the file's names of fields.
var names = map[string]string{
	"private_key_file": "PrivateKey", "listen": "ListenPort", "mtu": "MTU", "peers": "[Peer]", "dev": "--dev", "port": "--port", "control_socket": "--control-socket",
	"public_key": "PublicKey", "preshared_key": "PresharedKey", "prefixes": "AllowedIPs", "endpoint": "Endpoint", "keepalive": "PersistentKeepalive",
}

// At adds the file name and line to an error about a field, such as an error of reference.New, and gives the field
// its name in the file.
func (f *File) At(err error) error {
	var field *settings.FieldError
	if !errors.As(err, &field) {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	peer, last, ok := strings.Cut(field.Field, ".")
	if !ok {
		peer, last = "", field.Field
	}
	name := last
	if own := names[last]; own != "" {
		name = own
	}
	if strings.HasPrefix(name, "--") {
		return fmt.Errorf("%s: %w", name, field.Err)
	}
	line := f.lines[field.Field]
	if line == 0 {
		line = max(1, f.lines[peer])
	}
	return fmt.Errorf("%s:%d: %s: %w", f.name, line, name, field.Err)
}
