package role

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// What the lab writes an end reads.
func TestWireGuardEnvironment(t *testing.T) {
	for name, w := range map[string]WireGuard{
		"without a preshared key": {Private: wireguard.PrivateKey{1}, Peer: wireguard.PublicKey{2}, Port: 51820, Endpoint: netip.MustParseAddrPort("192.0.2.1:51820")},
		"with one":                {Private: wireguard.PrivateKey{1}, Peer: wireguard.PublicKey{2}, Preshared: wireguard.PresharedKey{31: 3}, Port: 1, Endpoint: netip.MustParseAddrPort("[2001:db8::1]:9")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range w.Environment() {
				key, value, _ := strings.Cut(v, "=")
				t.Setenv(key, value)
			}
			got, err := wireGuardFromEnvironment()
			if diff := cmp.Diff(w, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

// An error names the variable, and never has a key in it.
func TestWireGuardEnvironmentFaults(t *testing.T) {
	secret := wireguard.PrivateKey{7}.Base64()
	for name, c := range map[string]struct{ key, value, want string }{
		"an older lab":     {envPrivate, "", "version 2"},
		"a short key":      {envPrivate, secret[:20], envPrivate + ": want 32 bytes in base64"},
		"no padding":       {envPreshared, secret[:43], envPreshared + ": want 32 bytes in base64"},
		"a port too large": {envPort, "70000", envPort},
		"no endpoint":      {envEndpoint, "", envEndpoint},
	} {
		t.Run(name, func(t *testing.T) {
			w := WireGuard{Private: wireguard.PrivateKey{7}, Peer: wireguard.PublicKey{8}, Preshared: wireguard.PresharedKey{7}, Port: 9, Endpoint: netip.MustParseAddrPort("192.0.2.1:9")}
			for _, v := range w.Environment() {
				key, value, _ := strings.Cut(v, "=")
				t.Setenv(key, value)
			}
			t.Setenv(c.key, c.value)
			_, err := wireGuardFromEnvironment()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret[:20]) {
				t.Errorf("%v, want %q and no key", err, c.want)
			}
		})
	}
}

func TestBuiltinsHaveRoles(t *testing.T) {
	if err := runBuiltin("no-such-tunnel"); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("an unknown role: %v", err)
	}
	for _, name := range []string{WireGuardGo, TailscaleWireGuardGo, Reference, Naive, Relay} {
		if builtins[name] == nil {
			t.Errorf("%s has no role", name)
		}
	}
}
