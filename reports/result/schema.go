package result

import (
	"bytes"
	_ "embed"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

var (
	//go:embed schema.json
	schemaJSON []byte
	//go:embed schema1.json
	schema1JSON []byte
)

// SchemaJSON returns the JSON Schema (2020-12) of results.json.
func SchemaJSON() []byte { return bytes.Clone(schemaJSON) }

var (
	resultsSchema     = strictjson.Embedded(schemaJSON, "")
	resultsSchema1    = strictjson.Embedded(schema1JSON, "")
	certificateSchema = strictjson.Embedded(schemaJSON, "#/$defs/certificate")
	countsSchema      = strictjson.Embedded(schemaJSON, "#/$defs/counts")
)
