package report

import (
	"bytes"
	_ "embed"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

//go:embed schema.json
var schemaJSON []byte

// SchemaJSON returns the JSON Schema (2020-12) of fuzz.json.
func SchemaJSON() []byte { return bytes.Clone(schemaJSON) }

var schema = strictjson.Embedded(schemaJSON, "")
