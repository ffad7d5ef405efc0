package uapi

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Request is what a client wants.
type Request struct {
	Get    bool // to read
	Reload bool // to have the tunnel read its file again: not of WireGuard; else to change the following

	Private *wireguard.PrivateKey // nil: as it is
	Port    *uint16               // likewise
	Mark    *uint32               // likewise
	roster.Change
}

// Parse reads a request, which is lines without the empty one that ends it. The error has one line and no value.
func Parse(text string) (Request, error) {
	first, rest, _ := strings.Cut(text, "\n")
	switch {
	case first == "get=1" && strings.Trim(rest, "\n") == "":
		return Request{Get: true}, nil
	case first == "reload=1" && strings.Trim(rest, "\n") == "":
		return Request{Reload: true}, nil
	case first == "get=1" || first == "reload=1":
		return Request{}, fmt.Errorf("line 2: %s is all of a request", first)
	case first != "set=1":
		return Request{}, errors.New("line 1: want get=1 or set=1")
	case rest == "":
		return Request{}, nil
	}
	p := &parser{line: 1}
	for line := range strings.SplitSeq(strings.TrimSuffix(rest, "\n"), "\n") {
		p.line++
		if err := p.read(line); err != nil {
			return Request{}, fmt.Errorf("line %d: %w", p.line, err)
		}
	}
	return p.request, nil
}

// parser is in the middle of a request to change something.
type parser struct {
	request Request
	line    int
}

// key is what a line may set.
type key struct {
	ofPeer bool // it is below a public_key
	set    func(p *parser, value string) error
}

var keys = map[string]key{
	"private_key":   {false, func(p *parser, v string) error { return parseKey(&p.request.Private, v) }},
	"listen_port":   {false, func(p *parser, v string) error { return parseNumber(&p.request.Port, v, 16) }},
	"fwmark":        {false, func(p *parser, v string) error { return parseNumber(&p.request.Mark, v, 32) }},
	"replace_peers": {false, func(p *parser, v string) error { return parseTrue(&p.request.ReplacePeers, v) }},

	"public_key":                    {false, (*parser).begin},
	"remove":                        {true, func(p *parser, v string) error { return parseTrue(&p.peer().Remove, v) }},
	"update_only":                   {true, func(p *parser, v string) error { return parseTrue(&p.peer().UpdateOnly, v) }},
	"preshared_key":                 {true, func(p *parser, v string) error { return parseKey(&p.peer().Preshared, v) }},
	"endpoint":                      {true, (*parser).setEndpoint},
	"persistent_keepalive_interval": {true, (*parser).setKeepalive},
	"replace_allowed_ips":           {true, func(p *parser, v string) error { return parseTrue(&p.peer().ReplacePrefixes, v) }},
	"allowed_ip":                    {true, (*parser).addPrefix},
	"protocol_version":              {true, parseVersion},
}

// word is what can be shown of a name that nobody knows: no key in hexadecimal or base64 is as short.
var word = regexp.MustCompile(`^[a-z_]{1,30}$`)

func (p *parser) read(line string) error {
	name, value, ok := strings.Cut(line, "=")
	key, known := keys[name]
	switch {
	case !ok || !word.MatchString(name):
		return errors.New("want key=value")
	case !known:
		return fmt.Errorf("%s: unknown key", name)
	case key.ofPeer && len(p.request.Peers) == 0:
		return fmt.Errorf("%s: want public_key before it", name)
	case !key.ofPeer && len(p.request.Peers) > 0 && name != "public_key":
		return fmt.Errorf("%s: want it before the first public_key", name)
	}
	if err := key.set(p, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// peer returns the peer of the last public_key.
func (p *parser) peer() *roster.PeerChange { return &p.request.Peers[len(p.request.Peers)-1] }

func (p *parser) begin(value string) error {
	public, err := wireguard.ParseHexKey[wireguard.PublicKey](value)
	if err == nil {
		p.request.Peers = append(p.request.Peers, roster.PeerChange{Public: public})
	}
	return err
}

func (p *parser) setEndpoint(value string) error {
	at, err := netip.ParseAddrPort(value)
	if err != nil {
		return errors.New("want ADDRESS:PORT or [ADDRESS]:PORT")
	}
	p.peer().Endpoint = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	return nil
}

func (p *parser) setKeepalive(value string) error {
	var seconds *uint16
	if err := parseNumber(&seconds, value, 16); err != nil {
		return err
	}
	every := time.Duration(*seconds) * time.Second
	p.peer().Keepalive = &every
	return nil
}

func (p *parser) addPrefix(value string) error {
	value, remove := strings.CutPrefix(value, "-")
	prefix, err := netip.ParsePrefix(value)
	if err != nil || prefix.Addr().Is4In6() {
		return errors.New("want ADDRESS/LENGTH, or -ADDRESS/LENGTH")
	}
	p.peer().Prefixes = append(p.peer().Prefixes, roster.PrefixChange{Prefix: prefix.Masked(), Remove: remove})
	return nil
}

func parseVersion(_ *parser, value string) error {
	if value != "1" {
		return errors.New("want 1")
	}
	return nil
}

func parseTrue(into *bool, value string) error {
	if value != "true" {
		return errors.New("want true")
	}
	*into = true
	return nil
}

func parseNumber[N uint16 | uint32](into **N, value string, bits int) error {
	n, err := strconv.ParseUint(value, 10, bits)
	if err != nil {
		return fmt.Errorf("want 0 to %d", uint64(1)<<bits-1)
	}
	number := N(n)
	*into = &number
	return nil
}

func parseKey[K wireguard.Key](into **K, value string) error {
	key, err := wireguard.ParseHexKey[K](value)
	if err == nil {
		*into = &key
	}
	return err
}
