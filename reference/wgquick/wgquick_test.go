package wgquick

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

var private, far, third = wireguard.PrivateKey{8, 1}, wireguard.PrivateKey{8, 2}.Public(), wireguard.PrivateKey{8, 3}.Public()

var preshared = wireguard.PresharedKey{1, 2, 3}

var goodFile = `# one end
[Interface]
PrivateKey = ` + private.Base64() + ` # a comment
listenport=51820
MTU = 1380
FwMark = off

[peer]
PublicKey = ` + far.String() + `
PresharedKey = ` + preshared.Base64() + `
AllowedIPs = 10.1.0.0/16, fd00:1::/48
AllowedIPs = 10.9.0.7
Endpoint = 192.0.2.2:51820
PersistentKeepalive = 25

[Peer]
PublicKey = ` + third.String() + `
AllowedIPs = 10.1.2.3/24
Endpoint = [2001:db8::3]:4000
PersistentKeepalive = off
`

func end() settings.Config {
	c := settings.Defaults(settings.TUN)
	c.Dev = "wg0"
	return c
}

func of(prefixes ...string) (all []netip.Prefix) {
	for _, p := range prefixes {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

func TestRead(t *testing.T) {
	t.Parallel()
	want := end()
	want.MTU, want.Private, want.Listen = 1380, private, netip.MustParseAddrPort("[::]:51820")
	want.Peers = []settings.Peer{
		{ID: 1, Public: far, Preshared: preshared, Keepalive: 25 * time.Second, Endpoint: netip.MustParseAddrPort("192.0.2.2:51820"), Prefixes: of("10.1.0.0/16", "fd00:1::/48", "10.9.0.7/32")},
		{ID: 2, Public: third, Endpoint: netip.MustParseAddrPort("[2001:db8::3]:4000"), Prefixes: of("10.1.2.0/24")},
	}
	for name, text := range map[string]string{"plain": goodFile, "CRLF": strings.ReplaceAll(goodFile, "\n", "\r\n"), "byte order mark": "\ufeff" + goodFile, "capitals": strings.Replace(goodFile, "[peer]", "[PEER]", 1)} {
		got, err := Read("wg0.conf", []byte(text), end())
		if err != nil {
			t.Fatal(name, err)
		}
		if !reflect.DeepEqual(got.Config, want) {
			t.Errorf("%s: read\n%+v\nwant\n%+v", name, got.Config, want)
		}
	}
}

// Without a port and an MTU, the port is any, of both address families.
func TestReadDefaults(t *testing.T) {
	t.Parallel()
	short := fmt.Sprintf("[Interface]\nPrivateKey=%s\n[Peer]\nPublicKey=%v\nAllowedIPs=0.0.0.0/0,::/0\nEndpoint=192.0.2.2:1", private.Base64(), far)
	got, err := Read("wg0.conf", []byte(short), end())
	if err != nil || got.Config.MTU != DefaultMTU || got.Config.Listen != netip.MustParseAddrPort("[::]:0") {
		t.Errorf("%+v, %v", got, err)
	}
}

// Errors name the line, and never show a key that is not public.
func TestReadSaysWhere(t *testing.T) {
	t.Parallel()
	key := private.Base64()
	cases := []struct{ from, to, want string }{
		{"MTU = 1380", "MTU = 99", "wg0.conf:5: MTU: 99: want 576"},
		{"MTU = 1380", "MTU = many", `wg0.conf:5: MTU: "many": want a number`},
		{"MTU = 1380", "MTU = " + key, "wg0.conf:5: MTU: a value that may be a key: want"},
		{"MTU = 1380", "MTU = \xff" + key[:37], "wg0.conf:5: MTU: a value that may be a key: want"},
		{"MTU = 1380", "MTU = " + key[:20] + "\xff" + key[21:], "wg0.conf:5: MTU: a value that may be a key: want"},
		{"MTU = 1380", "MTO = 1380", "wg0.conf:5: MTO: is no name of [Interface]"},
		{"MTU = 1380", "MTU = 1380\nMTU = 1380", "wg0.conf:6: MTU: is there twice: first in line 5"},
		{"MTU = 1380", "MTU", "wg0.conf:5: want [Interface], [Peer], or NAME = VALUE"},
		{"MTU = 1380", key, "wg0.conf:5: want [Interface], [Peer], or NAME = VALUE"},
		{"MTU = 1380", "postUP = ip link", "wg0.conf:5: postUP: is not supported: it is a shell command"},
		{"MTU = 1380", "PreUp = x", "wg0.conf:5: PreUp: is not supported"},
		{"MTU = 1380", "PreDown = x", "wg0.conf:5: PreDown: is not supported"},
		{"MTU = 1380", "PostDown = x", "wg0.conf:5: PostDown: is not supported"},
		{"MTU = 1380", "Address = 10.0.0.1/24", "wg0.conf:5: Address: is not supported: give it to the interface once the tunnel runs: ip address add"},
		{"MTU = 1380", "DNS = 10.0.0.1", "wg0.conf:5: DNS: is not supported"},
		{"MTU = 1380", "Table = off", "wg0.conf:5: Table: is not supported"},
		{"MTU = 1380", "SaveConfig = true", "wg0.conf:5: SaveConfig: is not supported"},
		{"FwMark = off", "FwMark = 0xca6c", "wg0.conf:6: FwMark: is not supported"},
		{"FwMark = off", "[Interface]", "wg0.conf:6: [Interface] is there twice: first in line 2"},
		{"FwMark = off", "[Interfaces]", "wg0.conf:6: want [Interface] or [Peer]"},
		{"FwMark = off", "[Interface", "wg0.conf:6: want [Interface] or [Peer]"},
		{"[Interface]\n", "", "wg0.conf:2: PrivateKey: want [Interface] or [Peer] first"},
		{"PrivateKey = ", "# ", "wg0.conf:2: PrivateKey: is missing: tunnelbench tunnel genkey"},
		{key, key[:43], "wg0.conf:3: PrivateKey: want 32 bytes in base64"},
		{key, key[:42] + "B=", "wg0.conf:3: PrivateKey: want 32 bytes in base64"},
		{key, wireguard.PrivateKey{}.Base64(), "wg0.conf:3: PrivateKey: a key of zeros is none"},
		{"PrivateKey", "PublicKey", "wg0.conf:3: PublicKey: is no name of [Interface]"},
		{"51820", "65536", `wg0.conf:4: ListenPort: "65536": want 0`},
		{far.String(), private.Public().String(), "wg0.conf:9: PublicKey: " + private.Public().String() + " is this end's own"},
		{far.String(), third.String(), "wg0.conf:17: PublicKey: is that of another peer: first in line 9"},
		{"PublicKey = " + far.String() + "\n", "", "wg0.conf:8: PublicKey: want the peer's public key"},
		{preshared.Base64(), key + "=", "wg0.conf:10: PresharedKey: want 32 bytes in base64"},
		{"10.1.0.0/16", "10.1.0.0/33", `wg0.conf:11: AllowedIPs: "10.1.0.0/33": want ADDRESS/LENGTH`},
		{"10.9.0.7", "10.1.7.7/16", "wg0.conf:12: AllowedIPs: 10.1.0.0/16 is there twice: first in line 11"},
		{"10.1.2.3/24", "fd00:1::1/48", "wg0.conf:18: AllowedIPs: fd00:1::/48 is there twice: first in line 11"},
		{"AllowedIPs = 10.1.2.3/24\n", "", "wg0.conf:16: AllowedIPs: want at least one"},
		{"192.0.2.2:51820", "far.example:51820", `wg0.conf:13: Endpoint: "far.example:51820": want ADDRESS:PORT`},
		{"192.0.2.2:51820", "0.0.0.0:1", "wg0.conf:13: Endpoint: address"},
		{"192.0.2.2:51820", key, "wg0.conf:13: Endpoint: a value that may be a key"},
		{"= 25", "= 65536", `wg0.conf:14: PersistentKeepalive: "65536": want 0 to 65535`},
		{"= 25", "= -1", "wg0.conf:14: PersistentKeepalive"},
	}
	for _, c := range cases {
		t.Run(c.from+" "+c.to, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(goodFile, c.from, c.to, 1)
			if text == goodFile {
				t.Fatalf("%q is not in the file", c.from)
			}
			checkError(t, text, c.want)
		})
	}
	checkError(t, "", "wg0.conf: has no [Interface]")
	checkError(t, "[Interface]\nPrivateKey="+key, "wg0.conf:1: [Peer]: is missing")
	checkError(t, goodFile+"\x00", "wg0.conf: has a NUL byte")
}

func checkError(t *testing.T, text, want string) {
	t.Helper()
	_, err := Read("wg0.conf", []byte(text), end())
	switch got := fmt.Sprint(err); {
	case err == nil || !strings.HasPrefix(got, want) || strings.Contains(got, "\n"):
		t.Errorf("error %q, want one line that begins with %q", got, want)
	case strings.Contains(got, private.Base64()[:8]) || strings.Contains(got, preshared.Base64()[:8]):
		t.Errorf("the error shows a key: %q", got)
	}
}

// What is wrong with an option is said of the option.
func TestOptions(t *testing.T) {
	t.Parallel()
	c := end()
	c.Dev = "a/b"
	if _, err := Read("wg0.conf", []byte(goodFile), c); err == nil || !strings.HasPrefix(err.Error(), `--dev: "a/b"`) {
		t.Error(err)
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "wg0.conf")
	if err := os.WriteFile(path, []byte(goodFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(t.Context(), path, end()); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(t.Context(), path, end()); err == nil || err.Error() != path+": has keys, and others may use it (mode 0644): chmod 600" {
		t.Error(err)
	}
}

// Whatever Configs are written as files are read as they were, and a damaged file gives one line and no key.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		want := randomConfig(random)
		text := write(want)
		got, err := Read("wg0.conf", []byte(text), end())
		if err != nil || !reflect.DeepEqual(got.Config, want) {
			t.Fatalf("%v: read\n%+v\nwant\n%+v\nfrom\n%s", err, got, want, text)
		}
		damaged := []byte(text)
		for range 1 + random.IntN(4) {
			damaged[random.IntN(len(damaged))] = byte(random.Uint32())
		}
		if _, err := Read("wg0.conf", damaged[:random.IntN(len(damaged))], end()); err != nil {
			if line := err.Error(); !strings.HasPrefix(line, "wg0.conf:") || strings.Contains(line, "\n") || strings.Contains(line, want.Private.Base64()[:12]) {
				t.Fatalf("error %q of %q", line, damaged)
			}
		}
	}
}

// randomConfig returns a Config that a file can say.
func randomConfig(random *rand.Rand) settings.Config {
	c := end()
	c.MTU = 576 + random.IntN(9000)
	c.Private = randomKey[wireguard.PrivateKey](random)
	for i := range 1 + random.IntN(5) {
		p := settings.Peer{ID: uint32(i + 1), Public: randomKey[wireguard.PublicKey](random), Keepalive: time.Duration(random.IntN(1<<16)) * time.Second}
		if random.IntN(2) == 0 {
			p.Preshared = randomKey[wireguard.PresharedKey](random)
		}
		switch random.IntN(3) {
		case 0:
			p.Endpoint = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(random.IntN(256))}), 1+uint16(random.IntN(65535)))
		case 1:
			p.Endpoint = netip.AddrPortFrom(netip.MustParseAddr("2001:db8::2"), 1+uint16(random.IntN(65535)))
		}
		for j := range 1 + random.IntN(4) {
			p.Prefixes = append(p.Prefixes, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), byte(j)}), 24+random.IntN(9)))
		}
		c.Peers = append(c.Peers, p)
	}
	c.Listen = netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(random.Uint32()))
	return c
}

func randomKey[K wireguard.Key](random *rand.Rand) (k K) {
	for i := range k {
		k[i] = byte(random.Uint32())
	}
	return k
}

// write writes the file of a Config.
func write(c settings.Config) string {
	var text strings.Builder
	fmt.Fprintf(&text, "[Interface]\nPrivateKey = %s\nListenPort = %d\nMTU = %d\n", c.Private.Base64(), c.Listen.Port(), c.MTU)
	for _, p := range c.Peers {
		fmt.Fprintf(&text, "[Peer]\nPublicKey = %v\nPresharedKey = %s\nPersistentKeepalive = %d\n", p.Public, p.Preshared.Base64(), p.Keepalive/time.Second)
		if p.Endpoint.IsValid() {
			fmt.Fprintf(&text, "Endpoint = %v\n", p.Endpoint)
		}
		for _, prefix := range p.Prefixes {
			fmt.Fprintf(&text, "AllowedIPs = %v\n", prefix)
		}
	}
	return text.String()
}
