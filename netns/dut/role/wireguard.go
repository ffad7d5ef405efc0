package role

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// WireGuard holds what version 2 of the exec contract passes to an end of WireGuard.
type WireGuard struct {
	Private   wireguard.PrivateKey
	Peer      wireguard.PublicKey
	Preshared wireguard.PresharedKey // zero: none
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
		envPrivate + "=" + w.Private.Base64(), envPeer + "=" + w.Peer.String(),
		envPort + "=" + strconv.Itoa(int(w.Port)), envEndpoint + "=" + w.Endpoint.String(),
	}
	if w.Preshared != (wireguard.PresharedKey{}) {
		env = append(env, envPreshared+"="+w.Preshared.Base64())
	}
	return env
}

// wireGuardFromEnvironment reads what the lab passes to an end of WireGuard.
func wireGuardFromEnvironment() (w WireGuard, err error) {
	if os.Getenv(envPrivate) == "" {
		return w, errors.New(envPrivate + " is not set: this build needs a lab that speaks version 2 of the exec contract")
	}
	var errs [3]error
	w.Private, errs[0] = keyFromEnvironment[wireguard.PrivateKey](envPrivate)
	w.Peer, errs[1] = keyFromEnvironment[wireguard.PublicKey](envPeer)
	if os.Getenv(envPreshared) != "" {
		w.Preshared, errs[2] = keyFromEnvironment[wireguard.PresharedKey](envPreshared)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return w, err
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

func keyFromEnvironment[K wireguard.Key](name string) (K, error) {
	key, err := wireguard.ParseKey[K](os.Getenv(name))
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return key, err
}
