package resulttest

import (
	"encoding/json"
	"slices"
	"testing"
)

// CheckSchema tests a published schema and returns the number of its objects. Each object must be a
// free map or require all of its keys, except the optional ones, which older files lack. Lists and
// texts must have a limit.
func CheckSchema(t *testing.T, text []byte, optional ...string) (objects int) {
	t.Helper()
	var root any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var visit func(v any, name string)
	visit = func(v any, name string) {
		place, ok := v.(map[string]any)
		if !ok {
			return
		}
		if checkPlace(t, place, name, optional) {
			objects++
		}
		for key, child := range place {
			visit(child, name+"/"+key)
		}
	}
	visit(root, "")
	return objects
}

// checkPlace tests one place of a schema and reports whether it is an object with fixed keys.
func checkPlace(t *testing.T, place map[string]any, name string, optional []string) (object bool) {
	t.Helper()
	switch {
	case has(place, "object") && place["additionalProperties"] == false:
		required, _ := place["required"].([]any)
		properties, _ := place["properties"].(map[string]any)
		for key := range properties {
			if !slices.Contains(required, any(key)) && !slices.Contains(optional, key) {
				t.Errorf("%s: %s is not required", name, key)
			}
		}
		return true
	case has(place, "object") && place["additionalProperties"] == nil:
		t.Errorf("%s: lets unknown keys in", name)
	case has(place, "array") && place["maxItems"] == nil:
		t.Errorf("%s: has no limit", name)
	case has(place, "string") && place["maxLength"] == nil && place["enum"] == nil && place["const"] == nil:
		t.Errorf("%s: has no limit", name)
	}
	return false
}

// has reports whether a place of a schema allows values of a type.
func has(place map[string]any, name string) bool {
	switch types := place["type"].(type) {
	case string:
		return types == name
	case []any:
		return slices.Contains(types, any(name))
	}
	return false
}
