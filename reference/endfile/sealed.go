package endfile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictyaml"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Secrets returns what is in a file with a key. The path is as the YAML file has it.
type Secrets func(path string) ([]byte, error)

// seal reads the keys of a tunnel into c, whose peers are those of f. Without a private key, the tunnel is plain.
func (f fileConfig) seal(c *settings.Config, secrets Secrets) (err error) {
	if f.PrivateKeyFile == "" {
		if f.ControlSocket != "" { // wg does not know plain tunnels
			c.ControlSocket = settings.ControlSocketAt(f.ControlSocket, f.Dev)
		}
		return nil
	}
	c.ControlSocket = settings.ControlSocketAt(f.ControlSocket, f.Dev)
	if c.Private, err = readKey[wireguard.PrivateKey](f.PrivateKeyFile, secrets); err != nil {
		return &settings.FieldError{Field: "private_key_file", Err: err}
	}
	if !c.Sealed() {
		return settings.WrongField("private_key_file", "%s: a key of zeros is none", f.PrivateKeyFile)
	}
	for i, p := range f.Peers {
		if field, err := p.seal(&c.Peers[i], secrets); err != nil {
			return &settings.FieldError{Field: settings.PeerField(i, field), Err: err}
		}
		if p.ID == 0 {
			c.Peers[i].ID = uint32(i + 1) // for the counters: it is not on the wire
		}
	}
	return nil
}

// noKeys refuses the keys of peers in a tunnel without a private key.
func (f fileConfig) noKeys() error {
	if f.PrivateKeyFile != "" {
		return nil
	}
	for i, p := range f.Peers {
		for _, key := range []struct {
			field string
			text  strictyaml.Text
		}{{"public_key", p.PublicKey}, {"preshared_key_file", p.PresharedKeyFile}, {"keepalive", p.Keepalive}} {
			if key.text != "" {
				return settings.WrongField(settings.PeerField(i, key.field), "belongs to a sealed tunnel, which has a private_key_file at the top")
			}
		}
	}
	return nil
}

// seal reads the keys of a peer. An error is about the field.
func (p filePeer) seal(c *settings.Peer, secrets Secrets) (field string, err error) {
	if c.Public, err = wireguard.ParseKey[wireguard.PublicKey](string(p.PublicKey)); err != nil {
		return "public_key", err
	}
	if p.PresharedKeyFile != "" {
		if c.Preshared, err = readKey[wireguard.PresharedKey](p.PresharedKeyFile, secrets); err != nil {
			return "preshared_key_file", err
		}
	}
	if p.Keepalive != "" {
		if c.Keepalive, err = time.ParseDuration(string(p.Keepalive)); err != nil {
			return "keepalive", errors.New("want a duration such as 25s, or 0s for none")
		}
	}
	return "", nil
}

// readKey reads a file that has a key in base64, as tunnelbench tunnel genkey prints it. Errors never show what may
// be a key.
func readKey[K wireguard.Key](path strictyaml.Text, secrets Secrets) (key K, err error) {
	if _, err := wireguard.ParseKey[K](string(path)); err == nil {
		return key, errors.New("this is a key: put it into a file of its own, and write the name of the file")
	}
	data, err := secrets(string(path))
	if err != nil {
		return key, err
	}
	if data, err = bounded.Text(data); err != nil {
		return key, fmt.Errorf("%s: %w", path, err)
	}
	if key, err = wireguard.ParseKey[K](strings.TrimSpace(string(data))); err != nil {
		return key, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
