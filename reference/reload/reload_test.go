package reload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/endfile"
	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wgquick"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// tunnel notes what it is told.
type tunnel struct {
	live    []roster.PeerState
	changes []roster.Change
	peers   [][]settings.Peer
	err     error
}

func (t *tunnel) State() roster.State { return roster.State{Peers: t.live} }

func (t *tunnel) Change(c roster.Change) error {
	t.changes = append(t.changes, c)
	return t.err
}

func (t *tunnel) SetPeers(p []settings.Peer) error {
	t.peers = append(t.peers, p)
	return t.err
}

var private, far, third = wireguard.PrivateKey{8, 1}, wireguard.PrivateKey{8, 2}.Public(), wireguard.PrivateKey{8, 3}.Public()

const plainFile = `listen: 192.0.2.1:4754
dev: tun0
mtu: 1400
peers:
  - {id: 3, endpoint: "192.0.2.2:4754", prefixes: [10.2.0.0/16]}
`

func quickFile() string {
	return fmt.Sprintf("[Interface]\nPrivateKey = %s\nListenPort = 7\nMTU = 1400\n[Peer]\nPublicKey = %v\nAllowedIPs = 10.2.0.0/16\nEndpoint = 192.0.2.2:7\n", private.Base64(), far)
}

// watched is a file that a tunnel runs as.
type watched struct {
	*Live
	path   string
	tunnel *tunnel
}

// watch starts a tunnel with a file: a plain one in YAML, or a sealed one of wg-quick.
func watch(t *testing.T, text string) *watched {
	t.Helper()
	w := &watched{path: filepath.Join(t.TempDir(), "file"), tunnel: &tunnel{}}
	w.write(t, text)
	read := func(ctx context.Context) (End, error) {
		if strings.HasPrefix(text, "[") {
			cfg := settings.Defaults(settings.TUN)
			cfg.Dev = "wg0"
			f, err := wgquick.ReadFile(ctx, w.path, cfg)
			if err != nil {
				return End{}, err
			}
			return End{f.Config, f.At}, nil
		}
		f, err := endfile.ReadFile(ctx, w.path, net.DefaultResolver)
		if err != nil {
			return End{}, err
		}
		return End{f.Config, f.At}, nil
	}
	end, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.Live = New(t.Context(), w.tunnel, end, read)
	return w
}

func (w *watched) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A file that is wrong, or changes what cannot change, changes nothing, and the error says where.
func TestReloadSaysWhere(t *testing.T) {
	t.Parallel()
	quick := quickFile()
	for name, c := range map[string]struct{ file, from, to, want string }{
		"syntax":      {plainFile, "mtu: 1400", "mtu: [", "file:"},
		"a typo":      {plainFile, "mtu: 1400", "mtoo: 1400", "file:3: "},
		"a bad value": {plainFile, "10.2.0.0/16", "10.2.0.0/33", `file:5: peers[0].prefixes: "10.2.0.0/33"`},
		"no peers":    {plainFile, "  - {id: 3, endpoint: \"192.0.2.2:4754\", prefixes: [10.2.0.0/16]}\n", "", "file:4: peers: 0 peers"},
		"the port":    {plainFile, "192.0.2.1:4754", "192.0.2.1:4755", "file:1: listen: 192.0.2.1:4754 cannot become 192.0.2.1:4755 while the tunnel runs: start it again"},
		"the device":  {plainFile, "dev: tun0", "dev: tun1", "file:2: dev: tun0 cannot become tun1 while"},
		"the MTU":     {plainFile, "mtu: 1400", "mtu: 1500", "file:3: mtu: 1400 cannot become 1500 while"},
		"an engine":   {plainFile, "mtu: 1400", "mtu: 1400\nengine: pool", "file:4: engine: run cannot become pool while"},
		"a switch":    {plainFile, "mtu: 1400", "mtu: 1400\ngro: false", "file:4: gro: true cannot become false while"},
		"cores":       {plainFile, "mtu: 1400", "mtu: 1400\ncpus: [1]", "file:4: cpus: [] cannot become [1] while"},

		"quick: the port":      {quick, "ListenPort = 7", "ListenPort = 8", "file:3: ListenPort: [::]:7 cannot become [::]:8 while"},
		"quick: the MTU":       {quick, "MTU = 1400", "MTU = 1401", "file:4: MTU: 1400 cannot become 1401 while"},
		"quick: the key":       {quick, private.Base64(), wireguard.PrivateKey{8, 9}.Base64(), "file:2: PrivateKey: the key is another one, and cannot change while the tunnel runs: start it again"},
		"quick: its own key":   {quick, far.String(), private.Public().String(), "file:6: PublicKey: "},
		"quick: a bad value":   {quick, "192.0.2.2:7", "192.0.2.2", `file:8: Endpoint: "192.0.2.2": want`},
		"quick: half of a key": {quick, far.String(), far.String()[:20], "file:6: PublicKey: want 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, c.file)
			w.write(t, strings.Replace(c.file, c.from, c.to, 1))
			err := w.Reload()
			if err == nil || !strings.HasPrefix(err.Error(), filepath.Dir(w.path)+"/"+c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), private.Base64()[:8]) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if len(w.tunnel.changes)+len(w.tunnel.peers) > 0 {
				t.Error("the tunnel was changed")
			}
			w.write(t, c.file)
			if err := w.Reload(); err != nil || len(w.tunnel.changes)+len(w.tunnel.peers) != 1 {
				t.Errorf("once it is right again: %v", err)
			}
		})
	}
}

// A file that is gone, that others may read, or that has another mode changes nothing.
func TestReloadOfNoFile(t *testing.T) {
	t.Parallel()
	w := watch(t, quickFile())
	if err := os.Chmod(w.path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := w.Reload(); err == nil || !strings.Contains(err.Error(), w.path) {
		t.Errorf("others may read it: %v", err)
	}
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	if err := w.Reload(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), w.path) {
		t.Errorf("it is gone: %v", err)
	}
	if len(w.tunnel.changes) > 0 {
		t.Error("the tunnel was changed")
	}
	plain, sealed := settings.Config{}, settings.Config{Private: private}
	for _, c := range [][2]settings.Config{{plain, sealed}, {sealed, plain}} {
		if err := unchanged(c[0], c[1]); err == nil || !strings.Contains(err.Error(), "stays sealed") {
			t.Errorf("another mode: %v", err)
		}
	}
}

// A tunnel that refuses is as the file said before.
func TestRefusedReload(t *testing.T) {
	t.Parallel()
	w := watch(t, plainFile)
	w.tunnel.err = settings.WrongField("peers[0].id", "no")
	if err := w.Reload(); err == nil || !strings.HasSuffix(err.Error(), "file:5: peers[0].id: no") {
		t.Errorf("%v", err)
	}
}

// A sealed tunnel knows better where a peer is, unless the file says something new.
func TestChangeKeepsEndpoints(t *testing.T) {
	t.Parallel()
	first, second, moved := netip.MustParseAddrPort("192.0.2.2:7"), netip.MustParseAddrPort("192.0.2.3:7"), netip.MustParseAddrPort("198.51.100.1:9")
	peer := func(at netip.AddrPort, psk byte) settings.Peer {
		return settings.Peer{Public: far, Endpoint: at, Preshared: wireguard.PresharedKey{psk}, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")}}
	}
	for name, c := range map[string]struct {
		before, now settings.Peer
		live        []roster.PeerState
		want        netip.AddrPort
	}{
		"it has moved":               {peer(first, 0), peer(first, 0), []roster.PeerState{{Peer: peer(moved, 0)}}, netip.AddrPort{}},
		"the file has it elsewhere":  {peer(first, 0), peer(second, 0), []roster.PeerState{{Peer: peer(moved, 0)}}, second},
		"it has left by wg":          {peer(first, 0), peer(first, 0), nil, first},
		"it begins anew":             {peer(first, 0), peer(first, 5), []roster.PeerState{{Peer: peer(moved, 0)}}, moved},
		"nobody knows where it is":   {peer(first, 0), peer(first, 0), []roster.PeerState{{Peer: peer(netip.AddrPort{}, 0)}}, first},
		"it never had an address":    {peer(netip.AddrPort{}, 0), peer(netip.AddrPort{}, 0), []roster.PeerState{{Peer: peer(moved, 0)}}, netip.AddrPort{}},
		"another one was there only": {settings.Peer{Public: third, Endpoint: first}, peer(second, 0), []roster.PeerState{{Peer: settings.Peer{Public: third}}}, second},
	} {
		got := change([]settings.Peer{c.before}, []settings.Peer{c.now}, c.live)
		if p := got.Peers[0]; !got.ReplacePeers || len(got.Peers) != 1 || p.Public != far || p.Endpoint != c.want || *p.Preshared != c.now.Preshared || p.Prefixes[0].Prefix != c.now.Prefixes[0] {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
