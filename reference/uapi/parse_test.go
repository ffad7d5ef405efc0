package uapi

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

var (
	private   = wireguard.PrivateKey{8, 1}
	far       = wireguard.PublicKey{0xaa, 1}
	third     = wireguard.PublicKey{0xbb, 2}
	preshared = wireguard.PresharedKey{0xcc, 3}
)

func hexOf[K wireguard.Key](k K) string {
	return strings.TrimSpace(string(appendHex(nil, "", k[:])))[1:]
}

func at[T any](v T) *T { return &v }

// compared lets cmp look at addresses.
var compared = cmp.Options{cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       Request
	}{
		{"read", "get=1\n", Request{Get: true}},
		{"nothing", "set=1\n", Request{}},
		{"the device", "set=1\nprivate_key=" + hexOf(private) + "\nlisten_port=51820\nfwmark=0\nreplace_peers=true\n",
			Request{Private: &private, Port: at(uint16(51820)), Mark: at(uint32(0)), Change: roster.Change{ReplacePeers: true}}},
		{"peers", "set=1\npublic_key=" + hexOf(far) + "\npreshared_key=" + hexOf(preshared) + "\nendpoint=192.0.2.2:7\npersistent_keepalive_interval=25\n" +
			"replace_allowed_ips=true\nallowed_ip=10.1.2.3/16\nallowed_ip=-fd00::1/64\nprotocol_version=1\npublic_key=" + hexOf(third) + "\nremove=true\nupdate_only=true\nendpoint=[::ffff:192.0.2.3]:8\n",
			Request{Change: roster.Change{Peers: []roster.PeerChange{
				{Public: far, Preshared: &preshared, Endpoint: netip.MustParseAddrPort("192.0.2.2:7"), Keepalive: at(25 * time.Second), ReplacePrefixes: true,
					Prefixes: []roster.PrefixChange{{Prefix: netip.MustParsePrefix("10.1.0.0/16")}, {Prefix: netip.MustParsePrefix("fd00::/64"), Remove: true}}},
				{Public: third, Remove: true, UpdateOnly: true, Endpoint: netip.MustParseAddrPort("192.0.2.3:8")},
			}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(c.text)
			if diff := cmp.Diff(c.want, got, compared); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// Errors name the line and the key, and never show a value.
func TestParseSaysWhere(t *testing.T) {
	t.Parallel()
	secret, peer := hexOf(private), "set=1\npublic_key="+hexOf(far)+"\n"
	for _, c := range []struct{ text, want string }{
		{"", "line 1: want get=1 or set=1"},
		{"get=2\n", "line 1: want get=1 or set=1"},
		{"get=1\nset=1\n", "line 2: get=1 is all of a request"},
		{"set=1\n" + secret + "\n", "line 2: want key=value"},
		{"set=1\n" + secret + "=1\n", "line 2: want key=value"},
		{"set=1\n\nlisten_port=1\n", "line 2: want key=value"},
		{"set=1\nlisten_port=1\rfwmark=1\n", "line 2: listen_port: want 0 to 65535"},
		{"set=1\nprivate_key=" + secret + "00\n", "line 2: private_key: want 32 bytes in hexadecimal"},
		{"set=1\nprivate_key=" + private.Base64() + "\n", "line 2: private_key: want 32 bytes in hexadecimal"},
		{"set=1\nlisten_port=65536\n", "line 2: listen_port: want 0 to 65535"},
		{"set=1\nlisten_port=-1\n", "line 2: listen_port: want 0 to 65535"},
		{"set=1\nlisten_port=" + secret + "\n", "line 2: listen_port: want 0 to 65535"},
		{"set=1\nfwmark=4294967296\n", "line 2: fwmark: want 0 to 4294967295"},
		{"set=1\nreplace_peers=false\n", "line 2: replace_peers: want true"},
		{"set=1\njitter=1\n", "line 2: jitter: unknown key"},
		{"set=1\nremove=true\n", "line 2: remove: want public_key before it"},
		{"set=1\nallowed_ip=10.0.0.0/8\n", "line 2: allowed_ip: want public_key before it"},
		{peer + "listen_port=1\n", "line 3: listen_port: want it before the first public_key"},
		{"set=1\npublic_key=\n", "line 2: public_key: want 32 bytes"},
		{peer + "preshared_key=" + secret[:62] + "\n", "line 3: preshared_key: want 32 bytes"},
		{peer + "endpoint=example.com:1\n", "line 3: endpoint: want ADDRESS:PORT"},
		{peer + "endpoint=192.0.2.1\n", "line 3: endpoint: want ADDRESS:PORT"},
		{peer + "persistent_keepalive_interval=off\n", "line 3: persistent_keepalive_interval: want 0 to 65535"},
		{peer + "allowed_ip=10.0.0.0\n", "line 3: allowed_ip: want ADDRESS/LENGTH"},
		{peer + "allowed_ip=10.0.0.0/33\n", "line 3: allowed_ip: want ADDRESS/LENGTH"},
		{peer + "allowed_ip=--10.0.0.0/8\n", "line 3: allowed_ip: want ADDRESS/LENGTH"},
		{peer + "allowed_ip=::ffff:10.0.0.0/104\n", "line 3: allowed_ip: want ADDRESS/LENGTH"},
		{peer + "allowed_ip=" + secret + "\n", "line 3: allowed_ip: want ADDRESS/LENGTH"},
		{peer + "protocol_version=2\n", "line 3: protocol_version: want 1"},
		{peer + "remove=1\n", "line 3: remove: want true"},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(c.text)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), secret[:8]) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: error %q, want %q", c.text, err, c.want)
			}
			if diff := cmp.Diff(Request{}, got, compared); diff != "" {
				t.Errorf("there is a request in spite of the error: %s", diff)
			}
		})
	}
}

// FuzzParse: a request is what it says, and errors are one short line.
func FuzzUAPI(f *testing.F) {
	for _, seed := range []string{
		"get=1\n", "set=1\nlisten_port=1\nreplace_peers=true\n",
		"set=1\npublic_key=" + hexOf(far) + "\nremove=true\nallowed_ip=-10.0.0.0/8\nallowed_ip=::/0\nendpoint=[::1]:1\npersistent_keepalive_interval=1\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(string(data))
		if err != nil {
			if len(err.Error()) > 200 || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		prefixes := 0
		for _, p := range r.Peers {
			prefixes += len(p.Prefixes)
			for _, c := range p.Prefixes {
				if c.Prefix != c.Prefix.Masked() {
					t.Errorf("%v has host bits", c.Prefix)
				}
			}
		}
		if lines := strings.Count(string(data), "\n") + 1; len(r.Peers)+prefixes > lines {
			t.Errorf("%d peers and %d prefixes in %d lines", len(r.Peers), prefixes, lines)
		}
	})
}
