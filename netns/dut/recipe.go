package dut

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunnelbench/tunnelbench/recipes"
)

// parseRecipe returns the device for recipe:NAME[/VARIANT][:SETTINGS]: somebody else's tunnel, whose script is
// part of this program. The settings are those of exec:PATH; they take precedence over the variant's.
func parseRecipe(text string) (Device, error) {
	fail := func(err error) (Device, error) {
		return Device{}, fmt.Errorf("dut %q: %w", recipes.Prefix+text, err)
	}
	names, settings, more := strings.Cut(text, ":")
	name, variantName, _ := strings.Cut(names, "/")
	r, err := recipes.Find(name)
	if err != nil {
		return fail(err)
	}
	v, err := r.Variant(variantName)
	if err != nil {
		return fail(err)
	}
	script, err := fs.ReadFile(r.Files(), recipes.Script)
	if err != nil {
		return fail(err)
	}
	said, err := describeText(script)
	said.seals, said.upTimeout = "", cmp.Or(r.UpTimeout, said.upTimeout)
	if v.Sealed() {
		said.seals = v.Seals
	}
	if err == nil && more {
		err = said.override(settings)
	}
	if err != nil {
		return fail(err)
	}
	d := recipeDevice(r, v, said)
	if more {
		d.Spec += ":" + settings
	}
	d.Argument = recipes.Prefix + text
	return d, nil
}

// recipeDevice returns the device that a variant is. said is what its script, the recipe and the user say, the
// later before the earlier.
func recipeDevice(r recipes.Recipe, v recipes.Variant, said description) Device {
	t := Tunnel{
		Name: recipes.Prefix + r.Name, Doc: r.About, Kind: Plain, Probe: probeNothing, Carries: r.Carries, Overhead: v.Overhead,
		Seals: said.seals, upTimeout: said.upTimeout, keyed: said.contract == contract2, Protocol: said.speaks,
	}
	if said.seals != "" {
		t.Kind = Sealed
	}
	t.end = func(b Env) (end, error) {
		script, err := layOut(r, b.Dir)
		return end{path: "/bin/sh", args: []string{script}, params: b.Params, contract: cmp.Or(said.contract, contract1), carries: r.Carries}, err
	}
	t.Up = t.upBoth
	values := maps.Clone(v.Params)
	maps.Copy(values, said.values)
	return Device{Tunnel: t, Spec: r.Device(v), Values: values}
}

// layOut writes the recipe's folder into the folder of the bring-up, where both sides find it, and returns the
// path of the script. The folder goes with the bring-up's.
func layOut(r recipes.Recipe, dir string) (script string, err error) {
	folder := filepath.Join(dir, "recipe", r.Name)
	if _, err := os.Stat(folder); err != nil { // a mixed pair may have the recipe on both sides
		err = os.CopyFS(folder, r.Files())
		if err != nil {
			return "", fmt.Errorf("recipe %s: %w", r.Name, err)
		}
	}
	return filepath.Join(folder, recipes.Script), nil
}

// theirs reports whether a script of the exec contract is the tunnel: one of the user, or one of a recipe.
func (t Tunnel) theirs() bool {
	return strings.HasPrefix(t.Name, execPrefix) || strings.HasPrefix(t.Name, recipes.Prefix)
}
