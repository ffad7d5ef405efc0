package dut

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/kv"
)

// execPrefix marks a tunnel that follows the exec contract (docs/exec.md).
const execPrefix = "exec:"

// Keys with which a program of the user describes itself.
const (
	keyContract  = "contract"   // version of the contract that it follows
	keyCarries   = "carries"    // Packets or Streams
	keySeals     = "seals"      // the cipher with which it encrypts and authenticates
	keyUpTimeout = "up-timeout" // time that it may take to come up
	keyParams    = "params"     // names of the parameters that it takes
	keySpeaks    = "speaks"     // the format of its datagrams
)

// description is what a program of the user says of itself: in comment lines at its top, such as
//
//	# tunnelbench: seals=chacha20-poly1305 up-timeout=30s params=port
//
// and, of the same keys, what its user adds behind its path: exec:PATH:up-timeout=1m,port=4000.
type description struct {
	contract  string
	carries   string
	seals     string
	speaks    string // empty: a format that this program does not know
	upTimeout time.Duration
	params    []string          // names
	values    map[string]string // by name of a parameter
}

// SplitExec splits what follows "exec:" into the path and the settings behind it. A file whose name
// has a colon is a file.
func SplitExec(text string) (path, settings string) {
	if _, err := os.Stat(text); err == nil {
		return text, ""
	}
	at := firstSetting.FindStringIndex(text)
	if at == nil {
		return text, ""
	}
	return text[:at[0]], text[at[0]+1:]
}

// firstSetting finds where the settings begin. Their values may have colons, as addresses do.
var firstSetting = regexp.MustCompile(`:[a-z][a-z0-9_-]*=`)

// parseExec returns the device for exec:PATH[:SETTINGS]. It returns an error if the path is not an
// executable file.
func parseExec(text string) (Device, error) {
	path, settings := SplitExec(text)
	abs, err := executable(path)
	if err != nil {
		return Device{}, fmt.Errorf("dut %q: %w", execPrefix+text, err)
	}
	said, err := describe(abs)
	if err == nil && settings != "" {
		err = said.override(settings)
	}
	if err != nil {
		return Device{}, fmt.Errorf("dut %q: %w", execPrefix+text, err)
	}
	t := Tunnel{Name: execPrefix + filepath.Base(abs), Doc: "a program of yours", Kind: Plain, Probe: probeNothing, Carries: said.carries, Seals: said.seals, upTimeout: said.upTimeout, Protocol: said.speaks}
	t.end = func(b Env) (end, error) {
		return end{path: abs, params: b.Params, contract: cmp.Or(said.contract, contract1), carries: said.carries}, nil
	}
	t.Up = t.upBoth
	t.keyed = said.contract == contract2
	if said.seals != "" {
		t.Kind = Sealed
	}
	if said.speaks != "" {
		t.Overhead = referenceOverhead
	}
	d := Device{Tunnel: t, Spec: t.Name, Argument: execPrefix + path, Values: said.values}
	if settings != "" {
		d.Spec, d.Argument = d.Spec+":"+settings, d.Argument+":"+settings
	}
	return d, nil
}

// describe reads the description of a script: a file that begins with "#!". Another program has
// none.
func describe(path string) (d description, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, top))
	if err != nil {
		return d, err
	}
	return describeText(head)
}

// top is how much of a script, in bytes, is searched for its description.
const top = 4096

// describeText is describe for the text of a program.
func describeText(text []byte) (d description, err error) {
	head := text[:min(len(text), top)]
	if !bytes.HasPrefix(head, []byte("#!")) {
		return d, nil
	}
	seen := map[string]bool{}
	number := 0
	for line := range strings.Lines(string(head)) {
		number++
		said := descriptionLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if said == nil {
			continue
		}
		for field := range strings.FieldsSeq(said[1]) {
			key, value, _ := strings.Cut(field, "=")
			err := d.set(key, value)
			if err == nil && seen[key] {
				err = fmt.Errorf("%s comes twice", key)
			}
			if err != nil {
				return d, fmt.Errorf("line %d, tunnelbench: %w", number, err)
			}
			seen[key] = true
		}
	}
	return d, nil
}

// descriptionLine matches a comment of the usual scripting languages.
var descriptionLine = regexp.MustCompile(`^\s*(?:#+|//+|--+|;+)\s*tunnelbench:\s*(.*)$`)

// word matches the name of a cipher or of a parameter.
var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+/-]{0,63}$`)

// set sets a value of the description.
func (d *description) set(key, value string) error {
	switch key {
	case keyContract:
		if value != contract1 && value != contract2 {
			return fmt.Errorf("%s=%s: this program knows versions %s and %s", key, value, contract1, contract2)
		}
		d.contract = value
	case keyCarries:
		if value != Packets && value != Streams {
			return fmt.Errorf("%s=%s: write %s=%s or %s=%s", key, value, key, Packets, key, Streams)
		}
		d.carries = value
	case keySeals:
		if !word.MatchString(value) {
			return fmt.Errorf("%s=%s: write the name of the cipher, such as seals=aes128-gcm, or seals=no", key, value)
		}
		if d.seals = value; value == "no" {
			d.seals = ""
		}
	case keyUpTimeout:
		return d.setUpTimeout(value)
	case keySpeaks:
		if value != referenceProtocol {
			return fmt.Errorf("%s=%s: this program knows %s; an end of WireGuard says %s=%s", key, value, referenceProtocol, keyContract, contract2)
		}
		d.speaks = value
	case keyParams:
		d.params = strings.Split(value, ",")
		if slices.ContainsFunc(d.params, func(name string) bool { return !paramName.MatchString(name) }) {
			return fmt.Errorf("%s=%s: write names of small letters, digits and _, such as params=cipher,port", key, value)
		}
		if i := slices.IndexFunc(d.params, func(name string) bool { return name == keySeals || name == keyContract || name == keyCarries }); i >= 0 {
			return fmt.Errorf("%s=%s: %s is no name for a parameter", key, value, d.params[i])
		}
	default:
		return fmt.Errorf("unknown key %q: use %s, %s, %s, %s, %s or %s", key, keySeals, keyCarries, keyUpTimeout, keyParams, keySpeaks, keyContract)
	}
	return nil
}

// paramName matches what can be part of the name of an environment variable.
var paramName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// mostUpTimeout limits the time to come up.
const mostUpTimeout = 10 * time.Minute

func (d *description) setUpTimeout(value string) error {
	limit, err := time.ParseDuration(value)
	if err != nil || limit < time.Second || limit > mostUpTimeout {
		return fmt.Errorf("%s=%s: write a time from 1s to %v, such as %s=30s", keyUpTimeout, value, mostUpTimeout, keyUpTimeout)
	}
	d.upTimeout = limit
	return nil
}

// override sets what the user wrote behind the path: settings of the description, and values of the
// parameters that it names.
func (d *description) override(settings string) error {
	pairs, err := kv.Parse(settings, append([]string{keySeals, keyCarries, keyUpTimeout}, d.params...))
	if err != nil {
		return fmt.Errorf("%w; a script names its own parameters in a line \"# tunnelbench: params=...\"", err)
	}
	d.values = pairs.Map()
	for _, key := range []string{keySeals, keyCarries, keyUpTimeout} {
		if value, given := d.values[key]; given {
			err = errors.Join(err, d.set(key, value))
		}
	}
	maps.DeleteFunc(d.values, func(key, _ string) bool { return key == keySeals || key == keyCarries || key == keyUpTimeout })
	return err
}

// DefaultUpTimeout is the time that the exec contract gives a tunnel to bring up both interfaces and
// to deliver the first packet, unless it asks for more.
const DefaultUpTimeout = 10 * time.Second

// UpTimeout returns the time that the tunnel has to bring up both interfaces and to deliver the first
// packet.
func (t Tunnel) UpTimeout() time.Duration { return cmp.Or(t.upTimeout, DefaultUpTimeout) }

// moreTime tells the user of a program that did not come up in time how to give it more; it is empty
// for tunnels that this program knows.
func (t Tunnel) moreTime() string {
	if !t.theirs() {
		return ""
	}
	return fmt.Sprintf("; if it only needs longer, write %s=%v behind its name", keyUpTimeout, min(3*t.UpTimeout(), mostUpTimeout))
}

// NothingThrough is the error of a tunnel that is up and carries nothing. what is "no packet", tried is
// what was sent.
func (s *Session) NothingThrough(t Tunnel, what, tried string) error {
	return fmt.Errorf("%s came through within %v of its start: tried %s%s%s", what, t.UpTimeout(), tried, s.StderrTail(), t.moreTime())
}
