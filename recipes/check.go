package recipes

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Check returns an error if the recipe's script does not fit its sheet: each parameter of a variant has to be one
// that the script names, the script has to say exit status 127 for a missing program, and has to be a script.
func (r Recipe) Check() error {
	file := path.Join("recipes", r.Name, Script)
	data, err := fs.ReadFile(r.files, Script)
	if err != nil {
		return fmt.Errorf("%s: is missing: write one end of the tunnel, see docs/exec.md", file)
	}
	script := string(data)
	switch {
	case !strings.HasPrefix(script, "#!/bin/sh\n"):
		return fmt.Errorf("%s:1: is no script of /bin/sh: let it begin with #!/bin/sh", file)
	case !missingLine.MatchString(script):
		return fmt.Errorf("%s: never ends with status 127: say so for a program that is missing: command -v %s >/dev/null || { echo 'no %s: ...' >&2; exit 127; }",
			file, r.Programs[0], r.Programs[0])
	}
	if seals := sealsLine.FindStringSubmatch(script); seals != nil {
		return fmt.Errorf("%s: the cipher is the variant's: leave %s out", file, seals[1])
	}
	named := scriptParams(script)
	for i, v := range r.Variants {
		for _, key := range sorted(v.Params) {
			if !slices.Contains(named, key) {
				return fmt.Errorf("%s: variants[%d]: the parameter %q is none of the script's: write \"# tunnelbench: params=%s\" into %s",
					path.Join("recipes", r.Name, Sheet), i, key, key, Script)
			}
		}
	}
	return nil
}

// missingLine matches the way out for a program that is missing.
var missingLine = regexp.MustCompile(`(?m)^[^#\n]*\bexit 127\b`)

// paramsLine matches the parameters in the script's description of itself (docs/exec.md).
var paramsLine = regexp.MustCompile(`(?m)^\s*#+\s*tunnelbench:.*\bparams=(\S+)`)

// sealsLine matches the cipher in the script's description of itself.
var sealsLine = regexp.MustCompile(`(?m)^\s*#+\s*tunnelbench:.*\b(seals=\S+)`)

// scriptParams returns the names of the parameters that the script takes.
func scriptParams(script string) []string {
	found := paramsLine.FindStringSubmatch(script)
	if found == nil {
		return nil
	}
	return strings.Split(found[1], ",")
}

// sorted returns the keys in order.
func sorted(params map[string]string) []string { return slices.Sorted(maps.Keys(params)) }
