// Package endfile reads the YAML file of one end of a tunnel into a
// settings.Config. Every error names the line that it is about.
package endfile

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictyaml"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// fileConfig is the YAML form of a Config. Defaults provides the fields that the file leaves out.
type fileConfig struct {
	Listen       string              `yaml:"listen"`
	Port         settings.PortKind   `yaml:"port"`
	Dev          string              `yaml:"dev"`
	MTU          int                 `yaml:"mtu"`
	Engine       settings.EngineKind `yaml:"engine"`
	Workers      int                 `yaml:"workers"`
	CPUs         []int               `yaml:"cpus"`
	GSO          bool                `yaml:"gso"`
	GRO          bool                `yaml:"gro"`
	Offloads     bool                `yaml:"offloads"`
	Yield        bool                `yaml:"yield"`
	Pooling      bool                `yaml:"pooling"`
	SocketBuffer int                 `yaml:"socket_buffer"`

	PrivateKeyFile strictyaml.Text `yaml:"private_key_file"`
	ControlSocket  string          `yaml:"control_socket"`
	Peers          []filePeer      `yaml:"peers"`
}

type filePeer struct {
	ID       uint32   `yaml:"id"`
	Endpoint string   `yaml:"endpoint"`
	Prefixes []string `yaml:"prefixes"`

	PublicKey        strictyaml.Text `yaml:"public_key"`
	PresharedKeyFile strictyaml.Text `yaml:"preshared_key_file"`
	Keepalive        strictyaml.Text `yaml:"keepalive"`
}

// Resolver looks up the addresses of a host. net.DefaultResolver implements it. network is "ip4" or "ip6".
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// File is a Config that was read from a file, with the line of each field.
type File struct {
	Config settings.Config
	name   string
	tree   *strictyaml.File
}

// Read reads a Config from YAML and validates it. Errors have one line, "name:line: reason". Host
// names of endpoints are looked up once, in the address family of listen. Files with keys are read by secrets.
func Read(ctx context.Context, name string, data []byte, resolver Resolver, secrets Secrets) (*File, error) {
	tree, err := strictyaml.Parse(name, data)
	if err != nil {
		return nil, err
	}
	var kind struct {
		Port settings.PortKind `yaml:"port"`
	}
	if err := tree.Decode(&kind, false); err != nil {
		return nil, err
	}
	if kind.Port == "" {
		kind.Port = settings.TUN
	}
	d := settings.Defaults(kind.Port)
	read := fileConfig{
		Port: d.Port, MTU: d.MTU, Engine: d.Engine, Workers: d.Workers, GSO: d.GSO, GRO: d.GRO,
		Offloads: d.Offloads, Yield: d.Yield, Pooling: d.Pooling, SocketBuffer: d.SocketBuffer,
	}
	if err := tree.Decode(&read, true); err != nil {
		return nil, err
	}
	f := &File{name: name, tree: tree}
	if f.Config, err = read.config(ctx, resolver); err == nil {
		err = read.seal(&f.Config, secrets)
	}
	if err == nil {
		err = f.Config.Validate()
	}
	if err != nil {
		return nil, f.At(err)
	}
	return f, nil
}

// At adds the file name and line to an error about a field, such as an error of New.
func (f *File) At(err error) error {
	var field *settings.FieldError
	if errors.As(err, &field) {
		return fmt.Errorf("%s:%d: %w", f.name, f.tree.Line(field.Field), field)
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// config parses the addresses and prefixes.
func (f fileConfig) config(ctx context.Context, resolver Resolver) (settings.Config, error) {
	c := settings.Config{
		Port: f.Port, Dev: f.Dev, MTU: f.MTU, Engine: f.Engine, Workers: f.Workers, CPUs: f.CPUs, GSO: f.GSO, GRO: f.GRO,
		Offloads: f.Offloads, Yield: f.Yield, Pooling: f.Pooling, SocketBuffer: f.SocketBuffer,
	}
	err := f.noKeys()
	if err != nil {
		return c, err
	}
	if c.Listen, err = netip.ParseAddrPort(f.Listen); err != nil {
		return c, settings.WrongField("listen", "%q: want ADDRESS:PORT of an interface of this host", f.Listen)
	}
	network := "ip4"
	if c.Listen.Addr().Is6() {
		network = "ip6"
	}
	for i, p := range f.Peers {
		peer := settings.Peer{ID: p.ID}
		if p.Endpoint != "" || f.PrivateKeyFile == "" { // a sealed peer may call first
			if peer.Endpoint, err = resolve(ctx, resolver, network, p.Endpoint); err != nil {
				return c, &settings.FieldError{Field: settings.PeerField(i, "endpoint"), Err: err}
			}
		}
		for _, text := range p.Prefixes {
			prefix, err := netip.ParsePrefix(text)
			if err != nil {
				return c, settings.WrongField(settings.PeerField(i, "prefixes"), "%q: want ADDRESS/LENGTH", text)
			}
			peer.Prefixes = append(peer.Prefixes, prefix)
		}
		c.Peers = append(c.Peers, peer)
	}
	return c, nil
}

// resolve parses ADDRESS:PORT, or looks up the host name.
func resolve(ctx context.Context, resolver Resolver, network, endpoint string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddrPort(endpoint); err == nil {
		return a, nil
	}
	at := strings.LastIndexByte(endpoint, ':')
	if at < 1 {
		return netip.AddrPort{}, fmt.Errorf("%q: want HOST:PORT", endpoint)
	}
	port, err := netip.ParseAddrPort("0.0.0.0" + endpoint[at:])
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: want a port from 1 to 65535 after the colon", endpoint)
	}
	addrs, err := resolver.LookupNetIP(ctx, network, endpoint[:at])
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q does not resolve: %w", endpoint[:at], err)
	}
	if len(addrs) == 0 {
		return netip.AddrPort{}, fmt.Errorf("%q has no %s address", endpoint[:at], network)
	}
	return netip.AddrPortFrom(addrs[0].Unmap(), port.Port()), nil
}
