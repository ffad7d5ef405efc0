package reports

import (
	"bytes"
	_ "embed"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

var (
	//go:embed fuzzschema.json
	fuzzSchemaJSON []byte
	//go:embed setschema.json
	setSchemaJSON []byte
	//go:embed historyschema.json
	historySchemaJSON []byte
)

// FuzzSchemaJSON is the JSON Schema (2020-12) of fuzz.json.
func FuzzSchemaJSON() []byte { return bytes.Clone(fuzzSchemaJSON) }

// SetSchemaJSON is the JSON Schema (2020-12) of the files that `gate` records and judges.
func SetSchemaJSON() []byte { return bytes.Clone(setSchemaJSON) }

var (
	fuzzSchema    = strictjson.Embedded(fuzzSchemaJSON, "")
	setSchema     = strictjson.Embedded(setSchemaJSON, "")
	historySchema = strictjson.Embedded(historySchemaJSON, "")
)
