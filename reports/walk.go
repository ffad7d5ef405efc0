package reports

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// placeError is a fault at one place of a results file.
type placeError struct {
	where string // JSON pointer; empty for the whole file
	why   string
}

func (e *placeError) Error() string {
	where := e.where
	if where == "" {
		where = "(whole file)"
	}
	return where + ": " + e.why
}

// walker reads a file once, token by token, along the schema. It holds one open
// object per level and the schema has few levels, so its memory does not grow
// with the file. What it accepts, encoding/json then decodes without surprise.
type walker struct {
	dec  *json.Decoder
	path []string
}

// walk checks that data is one JSON value that follows the schema and has no key twice.
func walk(data []byte, root *node) error {
	if !utf8.Valid(data) {
		return &placeError{"", "is not UTF-8 text"}
	}
	w := &walker{dec: json.NewDecoder(bytes.NewReader(data))}
	w.dec.UseNumber()
	if err := w.value(root); err != nil {
		return err
	}
	if _, err := w.dec.Token(); err != io.EOF {
		return w.failf("something follows the results, at byte %d", w.dec.InputOffset())
	}
	return nil
}

func (w *walker) failf(format string, args ...any) error {
	var b strings.Builder
	for _, step := range w.path {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(short(step, 64)))
	}
	return &placeError{b.String(), fmt.Sprintf(format, args...)}
}

func (w *walker) token() (json.Token, error) {
	tok, err := w.dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, w.failf("the file ends too early")
	}
	if err != nil {
		return nil, w.failf("not JSON at byte %d: %v", w.dec.InputOffset(), err)
	}
	return tok, nil
}

func (w *walker) value(n *node) error {
	tok, err := w.token()
	if err != nil {
		return err
	}
	switch v := tok.(type) {
	case json.Delim:
		if v == '{' {
			return w.object(n)
		}
		return w.array(n)
	case string:
		return w.text(n, v)
	case json.Number:
		return w.number(n, string(v))
	case bool:
		return w.want(n, "boolean")
	}
	return w.want(n, "null")
}

// want fails unless n admits a value of the type got.
func (w *walker) want(n *node, got string) error {
	if n.Type.has(got) {
		return nil
	}
	return w.failf("is %s, must be %s", article(got), article(strings.Join(n.Type, " or ")))
}

func article(noun string) string {
	switch {
	case noun == "null" || strings.HasPrefix(noun, "null "):
		return noun
	case strings.ContainsRune("aeiou", rune(noun[0])):
		return "an " + noun
	}
	return "a " + noun
}

func (w *walker) array(n *node) error {
	if err := w.want(n, "array"); err != nil {
		return err
	}
	for i := 0; w.dec.More(); i++ {
		if i == n.MaxItems {
			return w.failf("holds more than %d entries", n.MaxItems)
		}
		w.path = append(w.path, strconv.Itoa(i))
		if err := w.value(n.Items); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	_, err := w.token()
	return err
}

func (w *walker) object(n *node) error {
	if err := w.want(n, "object"); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for w.dec.More() {
		if err := w.member(n, seen); err != nil {
			return err
		}
	}
	if _, err := w.token(); err != nil {
		return err
	}
	for _, key := range n.Required {
		if !seen[key] {
			return w.failf("has no %q", key)
		}
	}
	return nil
}

func (w *walker) member(n *node, seen map[string]bool) error {
	tok, err := w.token()
	if err != nil {
		return err
	}
	key := tok.(string) // the decoder lets nothing else stand before a colon
	child := n.Properties[key]
	if child == nil && n.Additional != nil {
		child = n.Additional.node
	}
	switch {
	case child == nil:
		return w.failf("unknown key %s", quote(key))
	case seen[key]:
		return w.failf("key %s stands twice", quote(key))
	case n.MaxProperties > 0 && len(seen) == n.MaxProperties:
		return w.failf("holds more than %d keys", n.MaxProperties)
	case len(key) > 256:
		return w.failf("key %s is longer than 256 octets", quote(key))
	}
	seen[key] = true
	w.path = append(w.path, key)
	defer func() { w.path = w.path[:len(w.path)-1] }()
	return w.value(child)
}

func (w *walker) text(n *node, s string) error {
	if err := w.want(n, "string"); err != nil {
		return err
	}
	length := utf8.RuneCountInString(s)
	switch {
	case n.Const != nil && s != *n.Const:
		return w.failf("is %s, this program reads %q", quote(s), *n.Const)
	case n.Enum != nil && !slices.Contains(n.Enum, s):
		return w.failf("is %s, must be one of %q", quote(s), n.Enum)
	case n.MaxLength > 0 && length > n.MaxLength:
		return w.failf("is %d characters long, at most %d are read", length, n.MaxLength)
	case length < n.MinLength:
		return w.failf("is empty")
	case n.Format == "date-time" && !isTime(s):
		return w.failf("is %s, must be a time such as 2006-01-02T15:04:05Z", quote(s))
	case n.ContentEncoding == "base64" && !isBase64(s):
		return w.failf("is not base64")
	}
	return nil
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// isBase64 is stricter than the decoder, which skips line breaks.
func isBase64(s string) bool {
	_, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil && !strings.ContainsAny(s, "\r\n")
}

func (w *walker) number(n *node, text string) error {
	if n.Type.has("integer") {
		return w.integer(n, text)
	}
	if err := w.want(n, "number"); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) {
		return w.failf("%s is out of range", short(text, 32))
	}
	if least, err := n.Minimum.Float64(); err == nil && v < least {
		return w.failf("%s is below %s", short(text, 32), n.Minimum)
	}
	return nil
}

// integer takes digits only: 1.0 and 1e3 are integers to JSON Schema, but
// nobody writes a count that way.
func (w *walker) integer(n *node, text string) error {
	if strings.ContainsAny(text, ".eE") {
		return w.failf("is %s, must be an integer", short(text, 32))
	}
	if strings.HasPrefix(text, "-") {
		v, err := strconv.ParseInt(text, 10, 64)
		least, minErr := n.Minimum.Int64()
		if err != nil || minErr == nil && v < least {
			return w.failf("%s is below %s", short(text, 32), n.Minimum)
		}
		return nil
	}
	v, err := strconv.ParseUint(text, 10, 64)
	most, maxErr := strconv.ParseUint(string(n.Maximum), 10, 64)
	if err != nil || maxErr == nil && v > most {
		return w.failf("%s is above %s", short(text, 32), n.Maximum)
	}
	if least, err := n.Minimum.Int64(); err == nil && least > 0 && v < uint64(least) {
		return w.failf("%s is below %s", short(text, 32), n.Minimum)
	}
	return nil
}
