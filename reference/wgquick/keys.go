package wgquick

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// key is a name that a section may have.
type key struct {
	name  string
	field string // of the Config
	many  bool   // may be there several times
	set   func(r *reader, value string) error
}

// keys are the names of each section, in lower case.
var keys = map[string]map[string]key{
	"interface": {
		"privatekey": {name: "PrivateKey", field: "private_key_file", set: func(r *reader, value string) error { return parse(&r.file.Config.Private, value) }},
		"listenport": {name: "ListenPort", field: "listen", set: (*reader).setPort},
		"mtu":        {name: "MTU", field: "mtu", set: (*reader).setMTU},
		"fwmark":     {name: "FwMark", set: (*reader).setMark},
	},
	"peer": {
		"publickey":           {name: "PublicKey", field: "public_key", set: (*reader).setPublic},
		"presharedkey":        {name: "PresharedKey", field: "preshared_key", set: func(r *reader, value string) error { return parse(&r.peer().Preshared, value) }},
		"allowedips":          {name: "AllowedIPs", field: "prefixes", many: true, set: (*reader).addPrefixes},
		"endpoint":            {name: "Endpoint", field: "endpoint", set: (*reader).setEndpoint},
		"persistentkeepalive": {name: "PersistentKeepalive", field: "keepalive", set: (*reader).setKeepalive},
	},
}

// refused are names of wg-quick that are about the machine, and what to do instead.
var refused = map[string]string{
	"address":    "give it to the interface once the tunnel runs: ip address add ADDRESS dev NAME",
	"dns":        "set the name server yourself, as with resolvectl dns NAME ADDRESS",
	"table":      "set routes yourself: ip route add PREFIX dev NAME",
	"saveconfig": "the file is only read",
	"preup":      shell, "postup": shell, "predown": shell, "postdown": shell,
}

const shell = "it is a shell command: run it yourself, before or after tunnelbench tunnel"

// parse parses a key. The error does not show it.
func parse[K wireguard.Key](into *K, value string) (err error) {
	*into, err = wireguard.ParseKey[K](value)
	return err
}

// peer returns the peer of the section.
func (r *reader) peer() *settings.Peer { return &r.file.Config.Peers[len(r.file.Config.Peers)-1] }

func (r *reader) setPublic(value string) error {
	public := &r.peer().Public
	if err := parse(public, value); err != nil {
		return err
	}
	if line := r.public[*public]; line > 0 {
		return fmt.Errorf("is that of another peer: first in line %d", line)
	}
	r.public[*public] = r.line
	return nil
}

// shown returns what an error may show of a value: a key that stands in the wrong line stays hidden.
func shown(value string) string {
	const longest = 80
	text := fmt.Sprintf("%.*q", longest, value)
	if base64.MatchString(value) || base64.MatchString(text) {
		return "a value that may be a key"
	}
	return text
}

// base64 matches a key, or the greater part of one, also if some of its characters were mistyped. Addresses and
// names have dots and colons.
var base64 = regexp.MustCompile(`[A-Za-z0-9+/]([^.:]?[A-Za-z0-9+/]){39}`)

func (r *reader) setPort(value string) error {
	port, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return fmt.Errorf("%s: want 0 (any) to 65535", shown(value))
	}
	r.port = uint16(port)
	return nil
}

func (r *reader) setMTU(value string) error {
	mtu, err := strconv.Atoi(value)
	if err != nil || mtu <= 0 {
		return fmt.Errorf("%s: want a number of bytes", shown(value))
	}
	r.file.Config.MTU = mtu
	return nil
}

// setMark accepts that there is no mark.
func (r *reader) setMark(value string) error {
	if mark, err := strconv.ParseUint(value, 0, 32); !strings.EqualFold(value, "off") && (err != nil || mark != 0) {
		return errors.New("is not supported: mark the datagrams by a rule of nftables that matches their port (ListenPort)")
	}
	return nil
}

func (r *reader) addPrefixes(value string) error {
	for text := range strings.SplitSeq(value, ",") {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if address, single := netip.ParseAddr(text); single == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%s: want ADDRESS/LENGTH", shown(text))
		}
		prefix = prefix.Masked() // as wg does
		if line := r.allowed[prefix]; line > 0 {
			return fmt.Errorf("%s is there twice: first in line %d", prefix, line)
		}
		r.allowed[prefix] = r.line
		r.peer().Prefixes = append(r.peer().Prefixes, prefix)
	}
	return nil
}

func (r *reader) setEndpoint(value string) (err error) {
	if r.peer().Endpoint, err = netip.ParseAddrPort(value); err != nil {
		return fmt.Errorf("%s: want ADDRESS:PORT or [ADDRESS]:PORT: names are not looked up", shown(value))
	}
	return nil
}

func (r *reader) setKeepalive(value string) error {
	if strings.EqualFold(value, "off") {
		return nil
	}
	seconds, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return fmt.Errorf("%s: want 0 to 65535 seconds, or off", shown(value))
	}
	r.peer().Keepalive = time.Duration(seconds) * time.Second
	return nil
}
