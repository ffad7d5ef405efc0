package gate

import (
	"bytes"
	_ "embed"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

var (
	//go:embed setschema.json
	setSchemaJSON []byte
	//go:embed historyschema.json
	historySchemaJSON []byte
)

// SetSchemaJSON returns the JSON Schema (2020-12) of set files.
func SetSchemaJSON() []byte { return bytes.Clone(setSchemaJSON) }

var (
	setSchema     = strictjson.Embedded(setSchemaJSON, "")
	historySchema = strictjson.Embedded(historySchemaJSON, "")
)
