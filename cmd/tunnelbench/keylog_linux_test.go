package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// The log has the keys of the sessions and is for its owner; the terminal has none of them.
func TestKeyLog(t *testing.T) {
	testenv.NetAdmin(t)
	testenv.Program(t, "wg", "wireguard-tools")
	path := filepath.Join(t.TempDir(), "keys")
	e := startWGEnds(t, "--key-log", path)
	right := e.keys[1].Public().String()
	wg(t, "set", e.names[0], "peer", right, "allowed-ips", "198.18.0.2/32", "endpoint", "192.0.2.2:51821")
	if !e.crosses(t, 10*time.Second) {
		t.Fatal("nothing arrives")
	}
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"LOCAL_STATIC_PRIVATE_KEY=" + e.keys[0].Base64(), "REMOTE_STATIC_PUBLIC_KEY=" + right, "LOCAL_EPHEMERAL_PRIVATE_KEY="} {
		if !bytes.Contains(log, []byte("\n"+want)) {
			t.Errorf("the log has no %q", want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	e.outputs[0].await(t, "whoever has this file")
	_, ephemeral, _ := bytes.Cut(log, []byte("LOCAL_EPHEMERAL_PRIVATE_KEY="))
	e.outputs[0].silent(t, e.keys[0].Base64(), string(ephemeral[:44]))
}

// A plain tunnel has no keys to log, and a file that others may read is no place for them.
func TestKeyLogRefusals(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	sealed := write(t, "[Interface]\nPrivateKey = CAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n[Peer]\nPublicKey = hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\nAllowedIPs = 198.18.0.1/32\n")
	for want, args := range map[string][]string{
		"tunnelbench: tunnel: --key-log: belongs to a sealed tunnel\n":                                 {"--config", filepath.Join("..", "..", "docs", "examples", "end.yaml"), "--key-log", filepath.Join(t.TempDir(), "keys")},
		"tunnelbench: key log: " + open + ": has keys, and others may use it (mode 0644): chmod 600\n": {"--wg", sealed, "--dev", "tun0", "--key-log", open},
	} {
		var said bytes.Buffer
		if status := run(context.Background(), append([]string{"tunnel"}, args...), cli.Streams{Out: &said, Err: &said}); status != cli.ExitUsage || said.String() != want {
			t.Errorf("%q: status %d, %q, want %q", args, status, said.String(), want)
		}
	}
}
