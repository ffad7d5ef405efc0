package main

import (
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

func TestKeyVerbs(t *testing.T) {
	t.Parallel()
	var keys [3]string
	for i, line := range []string{"tunnel genkey", "tunnel genkey", "tunnel genpsk"} {
		code, out, errs := call("", strings.Fields(line)...)
		if code != cli.ExitOK || errs != "" || len(out) != 45 {
			t.Fatalf("%s: exit status %d, %d characters, %s", line, code, len(out), errs)
		}
		keys[i] = out
	}
	if keys[0] == keys[1] || keys[0] == keys[2] {
		t.Error("one key is as another")
	}
	private, err := wireguard.ParseKey[wireguard.PrivateKey](strings.TrimSpace(keys[0]))
	if err != nil {
		t.Fatal(err)
	}
	for name, input := range map[string]string{"as genkey prints it": keys[0], "without a line's end": strings.TrimSpace(keys[0]), "CRLF": strings.TrimSpace(keys[0]) + "\r\n"} {
		if code, out, errs := call(input, "tunnel", "pubkey"); code != cli.ExitOK || errs != "" || out != private.Public().String()+"\n" {
			t.Errorf("%s: exit status %d, %q, %s", name, code, out, errs)
		}
	}
}

// RFC 7748 section 6.1.
func TestPublicKey(t *testing.T) {
	t.Parallel()
	const key = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
	for _, input := range []string{key, key + "\n", key + "\r\n", "\xef\xbb\xbf" + key + "\r\n"} {
		if _, out, errs := call(input, "tunnel", "pubkey"); out != "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n" {
			t.Errorf("%q: %q, %s", input, out, errs)
		}
	}
}

func TestPublicKeyOfSomethingElse(t *testing.T) {
	t.Parallel()
	const half = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp="
	for name, input := range map[string]string{"empty": "", "bits too many": half, "twice": half + "\n" + half, "long": strings.Repeat(half, 100), "binary": "\x00\x01"} {
		code, out, errs := call(input, "tunnel", "pubkey")
		if code != cli.ExitUsage || out != "" || !strings.HasPrefix(errs, "tunnelbench: standard input") || strings.Count(errs, "\n") != 1 || strings.Contains(errs, "dwdt") {
			t.Errorf("%s: exit status %d, %q, %q", name, code, out, errs)
		}
	}
}
