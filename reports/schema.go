package reports

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// The published schemas. The strict reader walks a file along its own, so that
// what is published and what is accepted cannot drift apart.
var (
	//go:embed schema.json
	schemaJSON []byte
	//go:embed fuzzschema.json
	fuzzSchemaJSON []byte
	//go:embed setschema.json
	setSchemaJSON []byte
	//go:embed historyschema.json
	historySchemaJSON []byte
)

// SchemaJSON is the JSON Schema (2020-12) of results.json.
func SchemaJSON() []byte { return bytes.Clone(schemaJSON) }

// FuzzSchemaJSON is the JSON Schema (2020-12) of fuzz.json.
func FuzzSchemaJSON() []byte { return bytes.Clone(fuzzSchemaJSON) }

// SetSchemaJSON is the JSON Schema (2020-12) of the files that `gate` records and judges.
func SetSchemaJSON() []byte { return bytes.Clone(setSchemaJSON) }

// HistorySchemaJSON is the JSON Schema (2020-12) of a line of a gate's history.
func HistorySchemaJSON() []byte { return bytes.Clone(historySchemaJSON) }

// node is one place of a schema: the part of JSON Schema that the files use.
// Any other keyword stops compiled, so none can be ignored unseen.
type node struct {
	Schema      string           `json:"$schema"`
	ID          string           `json:"$id"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Defs        map[string]*node `json:"$defs"`
	Ref         string           `json:"$ref"`

	Type      types       `json:"type"`
	Const     *string     `json:"const"`
	Enum      []string    `json:"enum"`
	Format    string      `json:"format"`
	MinLength int         `json:"minLength"`
	MaxLength int         `json:"maxLength"`
	Minimum   json.Number `json:"minimum"`
	Maximum   json.Number `json:"maximum"`

	ContentEncoding string `json:"contentEncoding"`

	Items    *node `json:"items"`
	MaxItems int   `json:"maxItems"`

	Properties    map[string]*node `json:"properties"`
	Required      []string         `json:"required"`
	MaxProperties int              `json:"maxProperties"`
	Additional    *additional      `json:"additionalProperties"`
}

// types is JSON Schema's "type": one name or a list.
type types []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *types) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

func (t types) has(name string) bool {
	for _, have := range t {
		if have == name {
			return true
		}
	}
	return false
}

// additional is "additionalProperties": false, or the place of all other keys.
type additional struct{ node *node }

// UnmarshalJSON implements json.Unmarshaler.
func (a *additional) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		return nil
	}
	return decodeKnown(data, &a.node)
}

func decodeKnown(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// The schemas, compiled when they are first asked for.
var (
	readSchema     = sync.OnceValues(func() (*node, error) { return compiled("schema.json", schemaJSON) })
	readFuzzSchema = sync.OnceValues(func() (*node, error) { return compiled("fuzzschema.json", fuzzSchemaJSON) })
	readSetSchema  = sync.OnceValues(func() (*node, error) { return compiled("setschema.json", setSchemaJSON) })

	readHistorySchema = sync.OnceValues(func() (*node, error) { return compiled("historyschema.json", historySchemaJSON) })
)

// compiled is a schema with every reference replaced by its place.
func compiled(file string, data []byte) (*node, error) {
	root := new(node)
	if err := decodeKnown(data, root); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for name, def := range root.Defs {
		if err := def.link(root.Defs); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, name, err)
		}
	}
	return root, root.link(root.Defs)
}

// link replaces the references below n.
func (n *node) link(defs map[string]*node) error {
	places := []**node{&n.Items}
	if n.Additional != nil {
		places = append(places, &n.Additional.node)
	}
	for _, place := range places {
		if err := follow(place, defs); err != nil {
			return err
		}
	}
	for name, child := range n.Properties {
		if err := follow(&child, defs); err != nil {
			return err
		}
		n.Properties[name] = child
	}
	return nil
}

func follow(place **node, defs map[string]*node) error {
	n := *place
	if n == nil {
		return nil
	}
	if n.Ref == "" {
		return n.link(defs)
	}
	target, ok := defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
	if !ok {
		return fmt.Errorf("reference %q: no such definition", n.Ref)
	}
	*place = target
	return nil
}
