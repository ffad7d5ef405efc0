package result

import (
	"bytes"
	_ "embed"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

//go:embed schema.json
var schemaJSON []byte

// SchemaJSON is the JSON Schema (2020-12) of results.json.
func SchemaJSON() []byte { return bytes.Clone(schemaJSON) }

var (
	resultsSchema     = strictjson.Embedded(schemaJSON, "")
	certificateSchema = strictjson.Embedded(schemaJSON, "#/$defs/certificate")
)
