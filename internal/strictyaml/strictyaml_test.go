package strictyaml

import (
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	for text, why := range map[string]string{
		"a: 1\npeers:\n- {i,prefixes:! 0}": "x:3: tags, anchors",
		"a: !!str 1":                       "x:1: tags, anchors",
		"a: &b 1":                          "x:1: tags, anchors",
		"a: &b [1]\nc: [*b, *b]":           "x:1: tags, anchors",
		"a: {}\n<<: {b: 1}":                "x:2: tags, anchors",
		"a: [":                             "x:1: ",
		"a:\n" + strings.Repeat("[", 17):   "x:2: is nested too deep",
		strings.Repeat("- ", 40):           "x:1: is nested too deep",
		strings.Repeat(" ", 70) + "a: 1":   "x:1: is nested too deep",
		"a:\n-\n- 1":                       "x:2: an entry of a list is empty",
		strings.Repeat("#", 1<<18+1):       "x: is larger than 256 KiB",
		"a: \"\x1b[31m":                    "x:1: ",
		"%YAML 1.2\n---\na: 1\n":           "x:1: directives have no place here",
		"a: 1\n---\na: 2\n":                "x:3: a second document",
		"---\na: 1\n...\n---\n\n# b\nb: 2": "x:7: a second document",
		"---\n---\nb: 2\n":                 "x:3: a second document",
		"a: 1\n---\n---\nb: 2\n":           "x:4: a second document",
		"a: 1\n...\nb: 2\n":                "x:3: a second document",
		"a: 1\n--- text\n":                 "x:2: a second document",
		"\xff\xfea\x00:\x00":               "x: is UTF-16 text: save it as UTF-8",
		"\xfe\xff\x00a\x00:":               "x: is UTF-16 text",
		"\xff\xfe\x00\x00a\x00\x00\x00":    "x: is UTF-32 text",
		"a: 1\nb: 2\n\x00":                 "x: has a NUL byte in line 3",
	} {
		_, err := Parse("x", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), why) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The same file is read the same, whatever an editor wraps it in.
func TestEnvelope(t *testing.T) {
	for name, text := range map[string]string{
		"plain": "a: 1\nb: x\n", "byte order mark": "\ufeffa: 1\nb: x\n", "CRLF": "a: 1\r\nb: x\r\n", "mark and CRLF": "\ufeffa: 1\r\nb: x\r\n",
		"document markers": "---\na: 1\nb: x\n...\n", "no newline": "a: 1\nb: x", "an empty second document": "a: 1\nb: x\n---\n",
		"mark and marker": "\ufeff---\na: 1\nb: x\n", "a comment after the end": "a: 1\nb: x\n...\n# end\n",
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("x", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			var into struct {
				A int    `yaml:"a"`
				B string `yaml:"b"`
			}
			if err := f.Decode(&into, true); err != nil || into.A != 1 || into.B != "x" {
				t.Errorf("%+v %v", into, err)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	f, err := Parse("x", []byte("a: 1\nlist:\n- b: 2\n- b: 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	var into struct {
		A    int `yaml:"a"`
		List []struct {
			B int `yaml:"b"`
		} `yaml:"list"`
	}
	if err := f.Decode(&into, true); err != nil || into.A != 1 || len(into.List) != 2 || into.List[1].B != 3 {
		t.Errorf("%+v %v", into, err)
	}
	for field, line := range map[string]int{"a": 1, "list[1].b": 4, "list[1].c": 4, "none": 1} {
		if got := f.Line(field); got != line {
			t.Errorf("%s stands in line %d, not %d", field, line, got)
		}
	}
	var less struct {
		A int `yaml:"a"`
	}
	if err := f.Decode(&less, true); err == nil || !strings.HasPrefix(err.Error(), "x:2: unknown field") {
		t.Error(err)
	}
	if err := f.Decode(&less, false); err != nil {
		t.Error(err)
	}
}
