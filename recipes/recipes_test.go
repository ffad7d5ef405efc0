package recipes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Every recipe of this program can be read, its script fits its sheet, and its folder is what the program has.
func TestAllRecipes(t *testing.T) {
	known, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(known) == 0 {
		t.Fatal("no recipe found")
	}
	for _, r := range known {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(filepath.Join(r.Name, Script)); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("recipes/%s/%s: not executable (%v): chmod +x it", r.Name, Script, err)
		}
		for _, v := range r.Variants {
			if got, err := r.Variant(v.Name); err != nil || !cmp.Equal(got, v) {
				t.Errorf("%s: %+v, %v", r.Device(v), got, err)
			}
		}
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := Find(f.Name()); f.IsDir() && err != nil {
			t.Errorf("recipes/%s: has no %s: write one", f.Name(), Sheet)
		}
	}
}

const good = `about: a tunnel
home: https://example.org
licence: MIT
language: C
carries: packets
install: {apt: [quick], cargo: [quick-cli@1.2.3], npm: ["@quick/it@0.1.0-rc.1"], go: [example.org/quick/cmd@v1.2.3]}
programs: [quick]
version: [quick, --version]
variants:
  - {name: "null", params: {method: "null"}, carrier: UDP, seals: no, overhead: 36}
  - {name: aes, params: {method: aes128-gcm}, carrier: UDP, seals: aes128-gcm, language: Go}
up-timeout: 1m
cannot: [no IPv6]
`

const script = "#!/bin/sh\n# tunnelbench: up-timeout=9s params=method,port\ncommand -v quick || exit 127\n"

// folder returns a recipe's folder, of the good sheet with some text replaced.
func folder(script string, replace ...string) fstest.MapFS {
	return fstest.MapFS{
		Sheet:  {Data: []byte(strings.NewReplacer(replace...).Replace(good))},
		Script: {Data: []byte(script)},
	}
}

func TestRead(t *testing.T) {
	r, err := Read("quick", folder(script))
	if err == nil {
		err = r.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	want := Recipe{
		Name: "quick", About: "a tunnel", Home: "https://example.org", Licence: "MIT", Language: "C", Carries: Packets,
		Install:  Install{Apt: []string{"quick"}, Cargo: []string{"quick-cli@1.2.3"}, NPM: []string{"@quick/it@0.1.0-rc.1"}, Go: []string{"example.org/quick/cmd@v1.2.3"}},
		Programs: []string{"quick"}, Version: []string{"quick", "--version"}, UpTimeout: time.Minute, Cannot: []string{"no IPv6"},
		Variants: []Variant{
			{Name: "null", Params: map[string]string{"method": "null"}, Carrier: "UDP", Seals: "no", Overhead: 36, Language: "C"},
			{Name: "aes", Params: map[string]string{"method": "aes128-gcm"}, Carrier: "UDP", Seals: "aes128-gcm", Language: "Go"},
		},
	}
	if diff := cmp.Diff(want, r, cmpopts.IgnoreUnexported(Recipe{})); diff != "" {
		t.Error(diff)
	}
	if got := []string{r.Device(r.Variants[0]), r.Device(r.Variants[1])}; !cmp.Equal(got, []string{"recipe:quick/null", "recipe:quick/aes"}) {
		t.Error(got)
	}
	if v, err := r.Variant(""); err != nil || v.Name != "null" || v.Sealed() {
		t.Errorf("%+v %v", v, err)
	}
	if _, err := r.Variant("salsa"); err == nil || err.Error() != `recipe quick has no variant "salsa": use null, aes` {
		t.Error(err)
	}
}

// An error is one line: the file, the line, the field, what is wrong and how to mend it.
func TestRefuses(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"about: a tunnel", "about: ''", "recipes/quick/recipe.yaml:1: about: is missing: write about: one line"},
		{"home: https://example.org", "home: example.org", `:2: home: "example.org" is no address`},
		{"licence: MIT", "license: MIT", `:3: unknown field "license"`},
		{"carries: packets", "carries: frames", `:5: carries: "frames": write packets or streams`},
		{"carries: packets", "carries: [packets]", `"[packets]" is no text`},
		{"install: {apt: [quick],", "install: {apt: [quick], brew: [quick],", `:6: unknown field "brew"`},
		{"quick-cli@1.2.3", "quick-cli", `:6: install.cargo: "quick-cli": pin a version, such as quick-cli@1.2.3`},
		{"cmd@v1.2.3", "cmd@latest", `:6: install.go: "example.org/quick/cmd@latest": pin a version, such as example.org/quick/cmd@v1.2.3`},
		{"@0.1.0-rc.1", "@^0.1", `:6: install.npm: "@quick/it@^0.1": pin`},
		{"programs: [quick]", "programs: [/usr/bin/quick]", `:7: programs[0]: "/usr/bin/quick": write the name`},
		{"programs: [quick]", "programs: []", ":7: programs: is missing"},
		{"name: aes,", `name: "null",`, `:11: variants[1]: name "null" comes twice`},
		{"name: aes,", "name: a/es,", `:11: variants[1]: name "a/es": write small letters`},
		{"carrier: UDP, seals: aes", "seals: aes", ":11: variants[1]: carrier is missing"},
		{"seals: no, ", "", ":10: variants[0]: seals is missing"},
		{`name: "null"`, "name: null", `:10: variants[0]: name ""`},
		{`method: "null"`, "method: null", ":10: variants[0]: a parameter has no value"},
		{"overhead: 36", "overhead: 4000", ":10: variants[0]: overhead 4000: write the octets"},
		{"overhead: 36", "overhead: many", ":10: "},
		{"up-timeout: 1m", "up-timeout: 1h", ":12: up-timeout: 1h0m0s: write a time from 1s"},
		{"up-timeout: 1m", "up-timeout: soon", `:12: up-timeout: "soon": write a time such as 30s`},
		{"up-timeout: 1m", "up-timeout: 1m\nup-timeout: 2m", ":13: "},
	} {
		_, err := Read("quick", folder(script, c.old, c.new))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.new, err, c.want)
		}
	}
	if _, err := Read("Quick", folder(script)); err == nil || !strings.Contains(err.Error(), `the folder's name "Quick"`) {
		t.Error(err)
	}
}

// A script that does not fit its sheet is refused.
func TestCheckRefuses(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"no script":       {"echo\n", "recipes/quick/tunnel.sh:1: is no script"},
		"another shell":   {"#!/usr/bin/env node\n", "recipes/quick/tunnel.sh:1: is no script of /bin/sh"},
		"no way out":      {"#!/bin/sh\n# tunnelbench: params=method\n# exit 127\nquick\n", "never ends with status 127"},
		"no params":       {"#!/bin/sh\nexit 127\n", `recipes/quick/recipe.yaml: variants[0]: the parameter "method" is none of the script's`},
		"other params":    {"#!/bin/sh\n# tunnelbench: params=port,methods\nexit 127\n", `the parameter "method"`},
		"says the cipher": {"#!/bin/sh\n# tunnelbench: params=method seals=x\nexit 127\n", "the cipher is the variant's: leave seals=x out"},
	} {
		r, err := Read("quick", folder(c.script))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	r, err := Read("quick", fstest.MapFS{Sheet: {Data: []byte(good)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err == nil || !strings.Contains(err.Error(), "recipes/quick/tunnel.sh: is missing") {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	if r, err := Find("vxlan"); err != nil || r.Name != "vxlan" || r.Device(r.Variants[0]) != "recipe:vxlan" {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := Find("nosuch"); err == nil || !strings.Contains(err.Error(), `no recipe "nosuch": use `) {
		t.Error(err)
	}
}
