package endfile

import (
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

var private, far = wireguard.PrivateKey{8, 1}, wireguard.PrivateKey{8, 2}

var preshared = wireguard.PresharedKey{1, 2, 3}

var sealedFile = `private_key_file: private.key
listen: 0.0.0.0:51820
dev: tun0
mtu: 1420
peers:
  - public_key: ` + far.Public().String() + `
    preshared_key_file: preshared.key
    keepalive: 25s
    prefixes: [10.1.0.0/16]
  - id: 9
    public_key: ` + (wireguard.PrivateKey{8, 3}).Public().String() + `
    endpoint: far.example:51820
    prefixes: [10.2.0.0/16]
`

// folder returns a folder with a sealed tunnel's files.
func folder(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"end.yaml": file, "private.key": private.Base64() + "\n", "preshared.key": "\xef\xbb\xbf" + preshared.Base64() + "\r\n", // as some editors write it
		"zeros.key": wireguard.PrivateKey{}.Base64(), "short.key": private.Base64()[:40] + "\n", "open.key": private.Base64(), "long.key": strings.Repeat("\n", keyFileSize+1),
		"two.key": private.Base64() + "\n" + private.Base64() + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"open.key", "end.yaml"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadSealed(t *testing.T) {
	t.Parallel()
	got, err := ReadFile(t.Context(), filepath.Join(folder(t, sealedFile), "end.yaml"), names{})
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Defaults(settings.TUN)
	want.Listen, want.Dev, want.MTU, want.Private = netip.MustParseAddrPort("0.0.0.0:51820"), "tun0", 1420, private
	want.ControlSocket = "/var/run/wireguard/tun0.sock"
	want.Peers = []settings.Peer{
		{ID: 1, Prefixes: of("10.1.0.0/16"), Public: far.Public(), Preshared: preshared, Keepalive: 25 * time.Second},
		{ID: 9, Endpoint: netip.MustParseAddrPort("192.0.2.2:51820"), Prefixes: of("10.2.0.0/16"), Public: wireguard.PrivateKey{8, 3}.Public()},
	}
	if !reflect.DeepEqual(got.Config, want) {
		t.Errorf("read\n%+v\nwant\n%+v", got.Config, want)
	}
}

// Errors name the line, and never show a key that is not public.
func TestReadSealedSaysWhere(t *testing.T) {
	t.Parallel()
	cases := []struct{ from, to, want string }{
		{"private_key_file: private.key\n", "", "end.yaml:5: peers[0].public_key: belongs to a sealed tunnel"},
		{"private.key", "open.key", "end.yaml:1: private_key_file: DIR/open.key: has keys, and others may use it (mode 0644): chmod 600"},
		{"private.key", "none.key", "end.yaml:1: private_key_file: stat DIR/none.key: no such file"},
		{"private.key", "/dev/null", "end.yaml:1: private_key_file: /dev/null: is no regular file"},
		{"private.key", ".", "end.yaml:1: private_key_file: DIR: is no regular file"},
		{"private.key", "short.key", "end.yaml:1: private_key_file: short.key: want 32 bytes in base64"},
		{"private.key", "two.key", "end.yaml:1: private_key_file: two.key: want 32 bytes in base64"},
		{"private.key", "long.key", "end.yaml:1: private_key_file: DIR/long.key: is larger than 1 KiB"},
		{"private.key", "zeros.key", "end.yaml:1: private_key_file: zeros.key: a key of zeros is none"},
		{"private.key", private.Base64(), "end.yaml:1: private_key_file: this is a key"},
		{"private_key_file: private.key", "private_key: " + private.Base64(), `end.yaml:1: unknown field "private_key"`},
		{"preshared.key", "open.key/x", "end.yaml:7: peers[0].preshared_key_file: stat"},
		{"preshared.key", preshared.Base64(), "end.yaml:7: peers[0].preshared_key_file: this is a key"},
		{"preshared_key_file: preshared.key", "preshared_key: " + preshared.Base64(), `end.yaml:7: unknown field "preshared_key"`},
		{far.Public().String(), private.Public().String(), "end.yaml:6: peers[0].public_key: " + private.Public().String() + " is this end's own"},
		{far.Public().String(), far.Public().String()[:43], "end.yaml:6: peers[0].public_key: want 32 bytes in base64"},
		{"public_key: " + far.Public().String(), "id: 4", "end.yaml:6: peers[0].public_key: want 32 bytes in base64"},
		{"keepalive: 25s", "keepalive: 25", "end.yaml:8: peers[0].keepalive: want a duration such as 25s"},
		{"keepalive: 25s", "keepalive: 65536s", "end.yaml:8: peers[0].keepalive: 18h12m16s: want 1 to 65535 seconds"},
		{"keepalive: 25s", "keepalive: -1s", "end.yaml:8: peers[0].keepalive: -1s: want"},
		{"id: 9", "id: 1", "end.yaml:10: peers[1].id: 1 is already the id of peers[0].id"},
		{"10.2.0.0/16", "10.1.0.0/16", "end.yaml:13: peers[1].prefixes: 10.1.0.0/16 overlaps"},
		{"mtu: 1420", "mtu: 66000", "end.yaml:4: mtu"},
		{"mtu: 1420", "control_socket: here", `end.yaml:4: control_socket: "here": want a path from / on`},
		{"mtu: 1420", "control_socket: /" + strings.Repeat("x", 107), "end.yaml:4: control_socket: "},
		{"private_key_file: private.key", "control_socket: /run/x", "end.yaml:6: peers[0].public_key: belongs to a sealed tunnel"},
	}
	for _, c := range cases {
		t.Run(c.to, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(sealedFile, c.from, c.to, 1)
			if text == sealedFile {
				t.Fatalf("%q is not in the file", c.from)
			}
			dir := folder(t, text)
			_, err := ReadFile(t.Context(), filepath.Join(dir, "end.yaml"), names{})
			if err == nil {
				t.Fatalf("no error, want %q", c.want)
			}
			got := strings.ReplaceAll(strings.TrimPrefix(err.Error(), dir+"/"), dir, "DIR")
			if !strings.HasPrefix(got, c.want) || strings.ContainsAny(got, "\n") {
				t.Errorf("error %q, want one line that begins with %q", got, c.want)
			}
			for _, secret := range []string{private.Base64(), preshared.Base64()} {
				if strings.Contains(got, secret[:8]) {
					t.Errorf("the error shows a key: %q", got)
				}
			}
		})
	}
}
