package wireguard

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// PublicKey is a Curve25519 public key.
type PublicKey [keyLen]byte

// PrivateKey is a Curve25519 private key. It prints as a word, never as itself.
type PrivateKey [keyLen]byte

// PresharedKey is a key that two peers share beforehand. The zero value is none. It prints as a word, never
// as itself.
type PresharedKey [keyLen]byte

// String returns the key in base64.
func (k PublicKey) String() string { return base64.StdEncoding.EncodeToString(k[:]) }

// String returns a word.
func (k PrivateKey) String() string { return "(private key)" }

// GoString returns a word.
func (k PrivateKey) GoString() string { return k.String() }

// Base64 returns the key itself.
func (k PrivateKey) Base64() string { return base64.StdEncoding.EncodeToString(k[:]) }

// String returns a word.
func (k PresharedKey) String() string { return "(preshared key)" }

// GoString returns a word.
func (k PresharedKey) GoString() string { return k.String() }

// Base64 returns the key itself.
func (k PresharedKey) Base64() string { return base64.StdEncoding.EncodeToString(k[:]) }

// Key is one of the three kinds of keys.
type Key interface {
	PublicKey | PrivateKey | PresharedKey
}

// ParseKey reads a key in base64. The error does not show the text.
func ParseKey[K Key](text string) (k K, err error) {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(data) != keyLen {
		return k, errors.New("want 32 bytes in base64, 44 characters of which the last is =")
	}
	return K(data), nil
}

// ParseHexKey reads a key in hexadecimal, as the configuration protocol has it.
func ParseHexKey[K Key](text string) (k K, err error) {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) != keyLen {
		return k, errors.New("want 32 bytes in hexadecimal")
	}
	return K(data), nil
}

// NewPrivateKey makes a key of random bytes.
func NewPrivateKey(random io.Reader) (k PrivateKey, err error) {
	if _, err := io.ReadFull(random, k[:]); err != nil {
		return PrivateKey{}, fmt.Errorf("a new key: %w", err)
	}
	k[0] &= 248 // clamped, as wg genkey does
	k[31] = k[31]&127 | 64
	return k, nil
}

// NewPresharedKey makes a key of random bytes.
func NewPresharedKey(random io.Reader) (k PresharedKey, err error) {
	if _, err := io.ReadFull(random, k[:]); err != nil {
		return PresharedKey{}, fmt.Errorf("a new key: %w", err)
	}
	return k, nil
}

// Public returns the public key that belongs to k.
func (k PrivateKey) Public() PublicKey {
	private, err := ecdh.X25519().NewPrivateKey(k[:])
	if err != nil {
		panic(err) // the length is right
	}
	return PublicKey(private.PublicKey().Bytes())
}

// Weak reports whether the key is of low order: everybody knows its product with any private key.
func (k PublicKey) Weak() bool {
	_, err := PrivateKey{}.shared(k)
	return err != nil
}

// shared returns the Diffie-Hellman product. The error says that the public key is of low order.
func (k PrivateKey) shared(public PublicKey) (product [keyLen]byte, err error) {
	private, err := ecdh.X25519().NewPrivateKey(k[:])
	if err != nil {
		return product, err
	}
	other, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		return product, err
	}
	secret, err := private.ECDH(other)
	if err != nil {
		return product, err
	}
	return [keyLen]byte(secret), nil
}
