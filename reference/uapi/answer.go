package uapi

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
)

// Tunnel is what is read and changed.
type Tunnel interface {
	State() roster.State
	Change(roster.Change) error
}

// Reloader is a Tunnel that can read its file again.
type Reloader interface{ Reload() error }

// reason is the key of the line that says why a reload changed nothing.
const reason = "reason"

// Answer does what a request wants and returns what the client gets. err says why not; the client gets only its
// number.
func Answer(t Tunnel, text string) (answer []byte, err error) {
	request, err := Parse(text)
	switch {
	case err != nil:
	case request.Get:
		answer = Append(nil, t.State())
	case request.Reload:
		if err = reload(t); err != nil {
			answer = fmt.Appendf(nil, "%s=%s\n", reason, strings.ReplaceAll(err.Error(), "\n", " "))
		}
	default:
		if err = fixed(request, t); err == nil {
			err = t.Change(request.Change)
		}
	}
	return appendErrno(answer, err), err
}

func reload(t Tunnel) error {
	if r, can := t.(Reloader); can {
		return r.Reload()
	}
	return fmt.Errorf("it has no file: %w", errors.ErrUnsupported)
}

// errFixed is an error about what stays as it is while the tunnel runs.
var errFixed = fmt.Errorf("cannot be changed while the tunnel runs: %w", syscall.EOPNOTSUPP)

// fixed returns an error if a request changes what cannot be changed. Port 0 is any port.
func fixed(r Request, t Tunnel) error {
	if r.Private != nil || r.Port != nil { // else spare the tunnel the state of all its peers
		switch s := t.State(); {
		case r.Private != nil && *r.Private != s.Private:
			return fmt.Errorf("private_key: %w", errFixed)
		case r.Port != nil && *r.Port != s.Port && *r.Port != 0:
			return fmt.Errorf("listen_port: %w", errFixed)
		}
	}
	if r.Mark != nil && *r.Mark != 0 {
		return fmt.Errorf("fwmark: %w", syscall.EOPNOTSUPP)
	}
	return nil
}

// errnoOf returns the number of an error: that of a system call in it, else EINVAL.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, roster.ErrTooMany):
		return syscall.ENOSPC
	case errors.Is(err, errors.ErrUnsupported):
		return syscall.EOPNOTSUPP
	}
	return syscall.EINVAL
}

// appendErrno ends an answer. wg wants the number negative.
func appendErrno(b []byte, err error) []byte {
	return fmt.Appendf(b, "errno=%d\n\n", -int64(errnoOf(err)))
}

// Append appends what a tunnel looks like.
func Append(b []byte, s roster.State) []byte {
	b = appendHex(b, "private_key", s.Private[:])
	b = appendNumber(b, "listen_port", uint64(s.Port))
	for _, p := range s.Peers {
		b = appendPeer(b, p)
	}
	return b
}

func appendPeer(b []byte, p roster.PeerState) []byte {
	b = appendHex(b, "public_key", p.Public[:])
	b = appendHex(b, "preshared_key", p.Preshared[:])
	b = appendNumber(b, "protocol_version", 1)
	if p.Endpoint.IsValid() {
		b = fmt.Appendf(b, "endpoint=%s\n", p.Endpoint)
	}
	var sec, nsec uint64
	if !p.LastHandshake.IsZero() {
		sec, nsec = uint64(p.LastHandshake.Unix()), uint64(p.LastHandshake.Nanosecond())
	}
	b = appendNumber(b, "last_handshake_time_sec", sec)
	b = appendNumber(b, "last_handshake_time_nsec", nsec)
	b = appendNumber(b, "tx_bytes", p.Sent)
	b = appendNumber(b, "rx_bytes", p.Received)
	b = appendNumber(b, "persistent_keepalive_interval", uint64(p.Keepalive/time.Second))
	for _, prefix := range p.Prefixes {
		b = fmt.Appendf(b, "allowed_ip=%s\n", prefix)
	}
	return b
}

func appendHex(b []byte, name string, value []byte) []byte {
	b = append(append(b, name...), '=')
	return append(hex.AppendEncode(b, value), '\n')
}

func appendNumber(b []byte, name string, value uint64) []byte {
	b = append(append(b, name...), '=')
	return append(strconv.AppendUint(b, value, 10), '\n')
}
