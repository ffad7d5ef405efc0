package role

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
)

// Key is a private, public or preshared key of WireGuard.
type Key [32]byte

// String returns the key in base64, as wg(8) prints it.
func (k Key) String() string { return base64.StdEncoding.EncodeToString(k[:]) }

// UnmarshalText reads a key in base64.
func (k *Key) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(raw) != len(k) {
		return errors.New("want a key of 32 bytes in base64") // the text may be a secret
	}
	copy(k[:], raw)
	return nil
}

// WireGuard holds what version 2 of the exec contract passes to an end of WireGuard.
type WireGuard struct {
	Private   Key
	Peer      Key // public
	Preshared Key // zero: none
	Port      uint16
	Endpoint  netip.AddrPort // of the peer
}

// WireGuardPort is the port of both ends.
const WireGuardPort = 51820

// The environment variables of a WireGuard end.
const (
	envPrivate   = "TB_WG_PRIVATE_KEY"
	envPeer      = "TB_WG_PEER_PUBLIC_KEY"
	envPreshared = "TB_WG_PRESHARED_KEY"
	envPort      = "TB_WG_PORT"
	envEndpoint  = "TB_WG_ENDPOINT"
)

// Environment returns the environment variables of the end.
func (w WireGuard) Environment() []string {
	env := []string{
		envPrivate + "=" + w.Private.String(), envPeer + "=" + w.Peer.String(),
		envPort + "=" + strconv.Itoa(int(w.Port)), envEndpoint + "=" + w.Endpoint.String(),
	}
	if w.Preshared != (Key{}) {
		env = append(env, envPreshared+"="+w.Preshared.String())
	}
	return env
}

// wireGuardFromEnvironment reads what the lab passes to an end of WireGuard.
func wireGuardFromEnvironment() (w WireGuard, err error) {
	if os.Getenv(envPrivate) == "" {
		return w, errors.New(envPrivate + " is not set: this build needs a lab that speaks version 2 of the exec contract")
	}
	keys := map[string]*Key{envPrivate: &w.Private, envPeer: &w.Peer}
	if os.Getenv(envPreshared) != "" {
		keys[envPreshared] = &w.Preshared
	}
	for name, key := range keys {
		if err := key.UnmarshalText([]byte(os.Getenv(name))); err != nil {
			return w, fmt.Errorf("%s: %w", name, err)
		}
	}
	port, err := strconv.ParseUint(os.Getenv(envPort), 10, 16)
	if err != nil {
		return w, fmt.Errorf("%s: %w", envPort, err)
	}
	w.Port = uint16(port)
	if w.Endpoint, err = netip.ParseAddrPort(os.Getenv(envEndpoint)); err != nil {
		return w, fmt.Errorf("%s: %w", envEndpoint, err)
	}
	return w, nil
}
