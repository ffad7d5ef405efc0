package reports

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestReaderAgreesWithTheSchema breaks a good file in hundreds of ways and asks
// our reader and an independent validator. The one difference allowed: Check
// also refuses numbers that do not agree, which no schema can say.
func TestReaderAgreesWithTheSchema(t *testing.T) {
	root, err := readSchema()
	if err != nil {
		t.Fatal(err)
	}
	checkAgreement(t, encode(t, small()), root, validator(t))
}

func checkAgreement(t *testing.T, good []byte, root *node, validate func([]byte) error) {
	t.Helper()
	gen := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 400 {
		data := edit(t, good, func(doc map[string]any) { mutate(gen, doc) })
		ours, theirs := walk(data, root), validate(data)
		if (ours == nil) != (theirs == nil) {
			t.Fatalf("ours: %v\ntheirs: %v\n%s", ours, theirs, data)
		}
		if ours != nil {
			refused++
		}
	}
	if refused < 100 || refused > 380 {
		t.Errorf("%d of 400 files refused: the mutations prove little", refused)
	}
}

// mutate changes one place at random, anywhere in the tree.
func mutate(gen *rand.Rand, v any) {
	odd := []any{nil, true, "", "x", json.Number("-1"), json.Number("0"), json.Number("70"), json.Number("1.5"), []any{}, map[string]any{}, "dut"}
	pick := func() any { return odd[gen.IntN(len(odd))] }
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if len(keys) == 0 || gen.IntN(20) == 0 {
			v["more"] = pick()
			return
		}
		key := keys[gen.IntN(len(keys))]
		switch child := v[key].(type) {
		case map[string]any, []any:
			if gen.IntN(10) > 0 {
				mutate(gen, child)
				return
			}
		}
		if gen.IntN(4) == 0 {
			delete(v, key)
		} else {
			v[key] = pick()
		}
	case []any:
		if len(v) == 0 {
			return
		}
		i := gen.IntN(len(v))
		switch child := v[i].(type) {
		case map[string]any:
			mutate(gen, child)
		default:
			v[i] = pick()
		}
	}
}

// TestSchemaNeedsEveryKey keeps the promise that reading is exact: every object
// either is a free map or names all its keys as required, but those that came
// later and that files of the same version may lack.
func TestSchemaNeedsEveryKey(t *testing.T) {
	root, err := readSchema()
	if err != nil {
		t.Fatal(err)
	}
	if objects := checkSchema(t, root, []string{"directions", "certificate", "comparison", "drop_reasons", "user_cpu_ns_per_frame",
		"gaps", "last_lost_ns", "silence", "tags_ns", "ipdv_ns"}); objects < 8 {
		t.Errorf("only %d objects seen", objects)
	}
	if !bytes.Contains(SchemaJSON(), []byte(Schema)) {
		t.Error("the schema is of another version")
	}
}

// checkSchema tests every place below root and counts the objects.
func checkSchema(t *testing.T, root *node, optional []string) (objects int) {
	t.Helper()
	var visit func(n *node, name string)
	visit = func(n *node, name string) {
		if n.Type.has("object") && n.Additional != nil && n.Additional.node == nil {
			objects++
			for key := range n.Properties {
				if !slices.Contains(n.Required, key) && !slices.Contains(optional, key) {
					t.Errorf("%s: %s is not required", name, key)
				}
			}
		}
		if n.Type.has("object") && n.Additional == nil {
			t.Errorf("%s: lets unknown keys in", name)
		}
		if n.Type.has("array") && n.MaxItems == 0 {
			t.Errorf("%s: has no limit", name)
		}
		if n.Type.has("string") && n.MaxLength == 0 && n.Enum == nil && n.Const == nil {
			t.Errorf("%s: has no limit", name)
		}
		for key, child := range n.Properties {
			visit(child, name+"/"+key)
		}
		if n.Items != nil {
			visit(n.Items, name+"[]")
		}
	}
	visit(root, "")
	return objects
}
