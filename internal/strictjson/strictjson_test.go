package strictjson_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

const schema = `{
 "type": "object", "additionalProperties": false, "required": ["version", "n"],
 "properties": {
  "version": {"const": "file/2"},
  "n": {"type": "integer", "minimum": 0, "maximum": 9},
  "names": {"type": "array", "maxItems": 8388608, "items": {"type": "string", "maxLength": 4}},
  "half": {"type": "number", "minimum": 0.5},
  "raw": {"type": "string", "contentEncoding": "base64"}
 }
}`

type file struct {
	Version string   `json:"version"`
	N       uint8    `json:"n"`
	Names   []string `json:"names"`
	Half    float64  `json:"half"`
	Raw     []byte   `json:"raw"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	s := strictjson.Embedded([]byte(schema), "")()
	for _, c := range []struct{ name, data, want string }{
		{"good", `{"version": "file/2", "n": 3, "names": ["a"]}`, ""},
		{"another version first", `{"version": "file/1", "more": 1}`, `/version: is "file/1", this program reads "file/2"`},
		{"unknown key", `{"version": "file/2", "more": 1}`, `(whole file): unknown key "more"`},
		{"key missing", `{"version": "file/2"}`, `(whole file): has no "n"`},
		{"key twice", `{"version": "file/2", "n": 1, "n": 2}`, `(whole file): key "n" stands twice`},
		{"fraction", `{"version": "file/2", "n": 1.5}`, "/n: is 1.5, must be an integer"},
		{"integer written as a fraction", `{"version": "file/2", "n": 1.0}`, "/n: is 1.0, must be an integer"},
		{"integer with an exponent", `{"version": "file/2", "n": 1e0}`, "/n: is 1e0, must be an integer"},
		{"too large", `{"version": "file/2", "n": 10}`, "/n: 10 is above 9"},
		{"too small", `{"version": "file/2", "n": 1, "half": 0.25}`, "/half: 0.25 is below 0.5"},
		{"endless number", `{"version": "file/2", "n": 1, "half": 1e-999999999}`, "/half: 1e-999999999 is out of range"},
		{"long text", `{"version": "file/2", "n": 1, "names": ["a", "abcde"]}`, "/names/1: is 5 characters long, at most 4 are read"},
		{"line break in base64", `{"version": "file/2", "n": 1, "raw": "AA\nA="}`, "/raw: is not base64"},
		{"two values", `{"version": "file/2", "n": 1} {}`, "(whole file): something follows the results, at byte 31"},
		{"terminal escape in a key", "{\"\\u001b[2J\": 1}", `(whole file): unknown key "` + "\uFFFD" + `[2J"`},
		{"not UTF-8", "{\"\xff\": 1}", "(whole file): is not UTF-8 text"},
		{"cut", `{"version": `, "/version: the file ends too early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := s.Decode([]byte(c.data), new(file)); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// All texts of a file have one limit. Data in base64 has only the limit of the file.
func TestTextsOfAFile(t *testing.T) {
	t.Parallel()
	s := strictjson.Embedded([]byte(`{"type": "object", "properties": {"data": {"type": "string"}, "texts": {"type": "array", "items": {"type": "string"}}}}`), "")()
	list := func(n, length int) string {
		return strings.Repeat(`"`+strings.Repeat("x", length)+`",`, n-1) + `"` + strings.Repeat("x", length) + `"`
	}
	for _, c := range []struct{ name, texts, want string }{
		{"at the limit", list(2048, 4096), ""},
		{"beyond the limit", list(2049, 4096), "/texts/2048: is one text too many: all texts of a file may have 8 MiB together"},
		{"short texts", list(99_999, 84), "is one text too many"},
		{"data", list(20, 1<<20), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := s.Check([]byte(`{"texts": [` + c.texts + `]}`))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestDenseFiles: what is refused only after it was read whole costs a bounded
// amount of memory, too.
func TestDenseFiles(t *testing.T) {
	s := strictjson.Embedded([]byte(schema), "")()
	for _, c := range []struct{ name, data, want string }{
		{"right values", `["a"` + strings.Repeat(`,"a"`, 99_999) + `]`, ""},
		{"wrong values", `[1` + strings.Repeat(`,1`, 99_999) + `]`, "/names/0: is a number, must be a string"},
		{"more values than any file has", `[` + strings.Repeat(`[1`+strings.Repeat(`,1`, 99_990)+`],`, 21) + `1]`, "is more than 2097152 values"},
		{"wrong values in each list", `[["a",1]` + strings.Repeat(`,[1,"a"]`, 99_999) + `]`, "/names/0: is an array, must be a string"},
		{"more items than any list has", `[1` + strings.Repeat(`,1`, 100_000) + `]`, "has more than 100000 items"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := []byte(`{"version": "file/2", "n": 1, "names": ` + c.data + `}`)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := s.Decode(data, new(file))
			runtime.ReadMemStats(&after)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > uint64(400*len(data)) {
				t.Errorf("%d bytes allocated for a file of %d", used, len(data))
			}
		})
	}
}
