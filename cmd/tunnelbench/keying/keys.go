// Package keying has the verbs that make the keys of the sealed tunnel, as wg(8) does.
package keying

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Genkey is the verb tunnel genkey.
var Genkey = keyVerb("genkey", "make a private key of a sealed tunnel, as wg genkey does", func(context.Context, io.Reader) (string, error) {
	key, err := wireguard.NewPrivateKey(rand.Reader)
	return key.Base64(), err
}, "tunnel genkey > private.key")

// Genpsk is the verb tunnel genpsk.
var Genpsk = keyVerb("genpsk", "make a preshared key, as wg genpsk does", func(context.Context, io.Reader) (string, error) {
	key, err := wireguard.NewPresharedKey(rand.Reader)
	return key.Base64(), err
}, "tunnel genpsk > preshared.key")

// Pubkey is the verb tunnel pubkey.
var Pubkey = keyVerb("pubkey", "print the public key of the private key on standard input", publicKey, "tunnel pubkey < private.key")

// publicKey reads a private key. Errors do not show what may be one.
func publicKey(ctx context.Context, in io.Reader) (string, error) {
	const limit = 1 << 10 // bytes
	data, err := bounded.Stream(ctx, in, "standard input", limit)
	if err != nil {
		return "", cli.BadInput(err)
	}
	if data, err = bounded.Text(data); err != nil {
		return "", cli.BadUsage("standard input: %w", err)
	}
	key, err := wireguard.ParseKey[wireguard.PrivateKey](strings.TrimSpace(string(data)))
	if err != nil {
		return "", cli.BadUsage("standard input: a private key: %w", err)
	}
	return key.Public().String(), nil
}

// keyVerb returns a verb that prints a key in base64.
func keyVerb(name, doc string, make func(context.Context, io.Reader) (string, error), example string) cli.Verb {
	return cli.Verb{
		Name: "tunnel " + name, Doc: doc, Examples: []string{example},
		Flags: func(*pflag.FlagSet) func(context.Context, cli.Streams) error {
			return func(ctx context.Context, s cli.Streams) error {
				key, err := make(ctx, s.In)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(s.Out, key)
				return err
			}
		},
	}
}
