package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
)

// Limits of a file: far above any file of this program, and low enough that the decoded tree takes
// at most some hundred megabytes.
const (
	maxDepth  = 32
	maxValues = 2 << 20
	maxItems  = 100_000 // of a list, and keys of an object
	maxText   = 4 << 20 // bytes
	maxKey    = 256     // bytes
	maxNumber = 64      // bytes
	maxValue  = 1e30
)

// Limits of texts in bytes. Some stand in a page several times, in other encodings.
const (
	MaxTexts = 8 << 20  // all texts of a file together
	MaxProse = 16 << 10 // a longer text is data in base64, which no page repeats: it does not count
)

// scanner reads a file once, token by token. It keeps the keys of one open object per level, so its
// memory does not grow with the size of the file.
type scanner struct {
	dec    *json.Decoder
	path   []string
	values int
	texts  int // bytes
}

// scan checks what a JSON Schema cannot express: UTF-8, a single value, duplicate keys, and the
// limits.
func scan(data []byte) error {
	if !utf8.Valid(data) {
		return &Fault{"", "is not UTF-8 text"}
	}
	s := &scanner{dec: json.NewDecoder(bytes.NewReader(data))}
	s.dec.UseNumber()
	if err := s.value(); err != nil {
		return err
	}
	if _, err := s.dec.Token(); err != io.EOF {
		return s.fault("something follows the results, at byte %d", s.dec.InputOffset())
	}
	return nil
}

func (s *scanner) fault(format string, args ...any) error {
	return &Fault{pointer(s.path), fmt.Sprintf(format, args...)}
}

func (s *scanner) token() (json.Token, error) {
	tok, err := s.dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, s.fault("the file ends too early")
	}
	if err != nil {
		return nil, s.fault("not JSON at byte %d: %v", s.dec.InputOffset(), err)
	}
	return tok, nil
}

func (s *scanner) value() error {
	tok, err := s.token()
	if err != nil {
		return err
	}
	if s.values++; s.values > maxValues {
		return s.fault("is more than %d values", maxValues)
	}
	switch v := tok.(type) {
	case json.Number:
		return s.number(string(v))
	case string:
		return s.text(v)
	case json.Delim:
		if len(s.path) == maxDepth {
			return s.fault("is nested deeper than %d levels", maxDepth)
		}
		if v == '{' {
			return s.object()
		}
		return s.array()
	}
	return nil
}

func (s *scanner) text(v string) error {
	if len(v) <= MaxProse {
		s.texts += len(v)
	}
	switch {
	case len(v) > maxText:
		return s.fault("is a text longer than %s", bounded.Size(maxText))
	case s.texts > MaxTexts:
		return s.fault("is one text too many: all texts of a file may have %s together", bounded.Size(MaxTexts))
	}
	return nil
}

func (s *scanner) array() error {
	for i := 0; s.dec.More(); i++ {
		if i == maxItems {
			return s.fault("has more than %d items", maxItems)
		}
		s.path = append(s.path, strconv.Itoa(i))
		if err := s.value(); err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
	}
	_, err := s.token()
	return err
}

func (s *scanner) object() error {
	seen := make(map[string]bool)
	for s.dec.More() {
		tok, err := s.token()
		if err != nil {
			return err
		}
		key := tok.(string) // the decoder accepts only strings as keys
		switch {
		case seen[key]:
			return s.fault("key %s stands twice", Quote(key))
		case len(key) > maxKey:
			return s.fault("key %s is longer than %d bytes", Quote(key), maxKey)
		case len(seen) == maxItems:
			return s.fault("has more than %d keys", maxItems)
		}
		seen[key] = true
		s.path = append(s.path, key)
		if err := s.value(); err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
	}
	_, err := s.token()
	return err
}

// number limits a number's length, because exact arithmetic on 1e999999999 would never end, and its
// value, because sums and products of the largest finite numbers are not finite.
func (s *scanner) number(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if err != nil || math.Abs(v) > maxValue || len(text) > maxNumber || len(exponent) > 4 {
		return s.fault("%s is out of range", Short(text, 32))
	}
	return nil
}
