package dut

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/recipes"
)

// Each variant of each recipe is a device: its parameters are the script's, its kind follows from its cipher.
func TestRecipesAreDevices(t *testing.T) {
	t.Parallel()
	known, err := recipes.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range known {
		for _, v := range r.Variants {
			d, err := Parse(r.Device(v))
			if err != nil {
				t.Error(err)
				continue
			}
			sealed := d.Kind == Sealed && d.Seals == v.Seals
			if v.Sealed() != sealed || d.Spec != r.Device(v) || d.Argument != d.Spec || !d.HasProcesses() || d.Doc != r.About {
				t.Errorf("%s: %+v", r.Device(v), d)
			}
			if diff := cmp.Diff(v.Params, d.Values); diff != "" {
				t.Errorf("%s: %s", r.Device(v), diff)
			}
		}
	}
}

func TestParseRecipe(t *testing.T) {
	t.Parallel()
	d, err := Parse("recipe:vxlan/default:up-timeout=1m")
	if err != nil || d.Spec != "recipe:vxlan:up-timeout=1m" || d.Argument != "recipe:vxlan/default:up-timeout=1m" {
		t.Errorf("%q %q, %v", d.Spec, d.Argument, err)
	}
	if d.UpTimeout() != time.Minute || d.Kind != Plain || d.Overhead != 50 {
		t.Errorf("%v %s %d", d.UpTimeout(), d.Kind, d.Overhead)
	}
	if d, err := Parse("recipe:vxlan:seals=none-of-yours"); err != nil || d.Kind != Sealed || d.Seals != "none-of-yours" {
		t.Errorf("the user's word is the last: %+v, %v", d, err)
	}
	for spec, want := range map[string]string{
		"recipe:":              `dut "recipe:": no recipe "": use `,
		"recipe:nosuch":        `dut "recipe:nosuch": no recipe "nosuch": use `,
		"recipe:vxlan/fast":    `recipe vxlan has no variant "fast": use default`,
		"recipe:vxlan:":        `dut "recipe:vxlan:": "": write key=value`,
		"recipe:vxlan:port=1":  `unknown key "port"`,
		"recipe:vxlan@/bin/sh": `no recipe "vxlan@`,
	} {
		if _, err := Parse(spec); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}

// The recipe's folder lies in the bring-up's folder, where a user who may execute nothing can read it. A pair may
// have the recipe on both sides.
func TestLayOut(t *testing.T) {
	t.Parallel()
	r, err := recipes.Find("vxlan")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for range 2 {
		script, err := layOut(r, dir)
		if err != nil || script != filepath.Join(dir, "recipe", "vxlan", recipes.Script) {
			t.Fatalf("%s, %v", script, err)
		}
		want, err := fs.ReadFile(r.Files(), recipes.Script)
		got, readErr := os.ReadFile(script)
		if err != nil || readErr != nil || string(got) != string(want) {
			t.Errorf("%q, %v, %v", got, err, readErr)
		}
	}
}
