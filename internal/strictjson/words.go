package strictjson

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// first returns the fault to report: a wrong schema version, then an unknown key, then the first
// place in order.
func first(root any, e *jsonschema.ValidationError) *Fault {
	var least *jsonschema.ValidationError
	var visit func(e *jsonschema.ValidationError)
	visit = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			visit(cause)
		}
		if len(e.Causes) == 0 && (least == nil || before(e, least)) {
			least = e
		}
	}
	visit(e)
	return &Fault{pointer(least.InstanceLocation), words(least.ErrorKind, at(root, least.InstanceLocation))}
}

func before(a, b *jsonschema.ValidationError) bool {
	if order := cmp.Compare(rank(a.ErrorKind), rank(b.ErrorKind)); order != 0 {
		return order < 0
	}
	if order := slices.Compare(a.InstanceLocation, b.InstanceLocation); order != 0 {
		return order < 0
	}
	return words(a.ErrorKind, nil) < words(b.ErrorKind, nil)
}

func rank(k jsonschema.ErrorKind) int {
	switch k.(type) {
	case *kind.Const:
		return 0
	case *kind.AdditionalProperties:
		return 1
	}
	return 2
}

// at returns the value at a place.
func at(v any, path []string) any {
	for _, step := range path {
		switch place := v.(type) {
		case map[string]any:
			v = place[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil {
				return nil
			}
			v = place[i]
		}
	}
	return v
}

// pointer returns a path as JSON pointer (RFC 6901), its steps cleaned and shortened.
func pointer(path []string) string {
	var b strings.Builder
	for _, step := range path {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(Short(step, 64)))
	}
	return b.String()
}

// words describes what is wrong with a value, for the text after its place.
func words(k jsonschema.ErrorKind, value any) string {
	switch k := k.(type) {
	case *kind.Type:
		if n, ok := value.(json.Number); ok && slices.Contains(k.Want, "integer") {
			return fmt.Sprintf("is %s, must be an integer", Short(string(n), 32))
		}
		return fmt.Sprintf("is %s, must be %s", article(k.Got), article(strings.Join(k.Want, " or ")))
	case *kind.Const:
		return fmt.Sprintf("is %s, this program reads %s", quoteAny(k.Got), quoteAny(k.Want))
	case *kind.Enum:
		return fmt.Sprintf("is %s, must be one of %q", quoteAny(k.Got), k.Want)
	case *kind.Format:
		return fmt.Sprintf("is %s, must be a %s", quoteAny(k.Got), format(k.Want))
	case *kind.ContentEncoding:
		return "is not " + k.Want
	case *kind.AdditionalProperties:
		return "unknown key " + Quote(slices.Min(k.Properties))
	case *kind.Required:
		return fmt.Sprintf("has no %q", slices.Min(k.Missing))
	}
	return limit(k)
}

// limit describes the limit that a value exceeds.
func limit(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MaxLength:
		return fmt.Sprintf("is %d characters long, at most %d are read", k.Got, k.Want)
	case *kind.MinLength:
		if k.Got == 0 {
			return "is empty"
		}
		return fmt.Sprintf("is %d characters long, at least %d are needed", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("holds more than %d entries", k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("holds more than %d keys", k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("%s is below %s", number(k.Got), number(k.Want))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s is not above %s", number(k.Got), number(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("%s is above %s", number(k.Got), number(k.Want))
	}
	return Short(k.LocalizedString(message.NewPrinter(language.English)), 200)
}

func format(name string) string {
	if name == "date-time" {
		return "time such as 2006-01-02T15:04:05Z"
	}
	return name
}

func quoteAny(v any) string {
	if s, ok := v.(string); ok {
		return Quote(s)
	}
	return Short(fmt.Sprint(v), 64)
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return Short(r.Num().String(), 32)
	}
	v, _ := r.Float64()
	return strconv.FormatFloat(v, 'g', -1, 64)
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
