package recipes

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictyaml"
)

// sheet is recipe.yaml as it is written.
type sheet struct {
	About     text      `yaml:"about"`
	Home      text      `yaml:"home"`
	Licence   text      `yaml:"licence"`
	Language  text      `yaml:"language"`
	Carries   text      `yaml:"carries"`
	Install   install   `yaml:"install"`
	Programs  []text    `yaml:"programs"`
	Version   []text    `yaml:"version"`
	Variants  []variant `yaml:"variants"`
	UpTimeout text      `yaml:"up-timeout"`
	Cannot    []text    `yaml:"cannot"`
}

type text = strictyaml.Text

type install struct {
	Apt   []text `yaml:"apt"`
	Go    []text `yaml:"go"`
	Cargo []text `yaml:"cargo"`
	NPM   []text `yaml:"npm"`
	Build []text `yaml:"build"`
}

type variant struct {
	Name     text          `yaml:"name"`
	Params   map[text]text `yaml:"params"`
	Carrier  text          `yaml:"carrier"`
	Seals    text          `yaml:"seals"`
	Overhead int           `yaml:"overhead"`
	Language text          `yaml:"language"`
}

// Read reads the recipe in a folder. An error is one line: the file, the line, the field and the mend.
func Read(name string, folder fs.FS) (Recipe, error) {
	file := path.Join("recipes", name, Sheet)
	if !namePattern.MatchString(name) {
		return Recipe{}, fmt.Errorf("%s: the folder's name %q: write small letters, digits and -", file, name)
	}
	data, err := fs.ReadFile(folder, Sheet)
	if err != nil {
		return Recipe{}, err
	}
	parsed, err := strictyaml.Parse(file, data)
	if err != nil {
		return Recipe{}, err
	}
	var s sheet
	if err := parsed.Decode(&s, true); err != nil {
		return Recipe{}, err
	}
	r := s.recipe()
	if r.Name, r.files = name, folder; s.UpTimeout != "" {
		r.UpTimeout, err = time.ParseDuration(string(s.UpTimeout))
		if err != nil {
			return Recipe{}, fmt.Errorf("%s:%d: up-timeout: %q: write a time such as 30s", file, parsed.Line("up-timeout"), s.UpTimeout)
		}
	}
	if field, why := r.fault(); why != "" {
		return Recipe{}, fmt.Errorf("%s:%d: %s: %s", file, parsed.Line(field), field, why)
	}
	return r, nil
}

// recipe returns what the sheet says.
func (s sheet) recipe() Recipe {
	r := Recipe{
		About: string(s.About), Home: string(s.Home), Licence: string(s.Licence), Language: string(s.Language), Carries: string(s.Carries),
		Install:  Install{plain(s.Install.Apt), plain(s.Install.Go), plain(s.Install.Cargo), plain(s.Install.NPM), plain(s.Install.Build)},
		Programs: plain(s.Programs), Version: plain(s.Version), Cannot: plain(s.Cannot),
	}
	for _, v := range s.Variants {
		params := map[string]string{}
		for key, value := range v.Params {
			params[string(key)] = string(value)
		}
		r.Variants = append(r.Variants, Variant{
			Name: string(v.Name), Params: params, Carrier: string(v.Carrier), Seals: string(v.Seals), Overhead: v.Overhead,
			Language: cmp.Or(string(v.Language), r.Language),
		})
	}
	return r
}

// plain returns the texts as strings.
func plain(texts []text) (out []string) {
	for _, t := range texts {
		out = append(out, string(t))
	}
	return out
}

// namePattern matches names of recipes and variants. They are parts of device names.
var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]{0,31}$`)

// programPattern matches what can be looked up on PATH.
var programPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)

// The limits of what a variant may say.
const (
	mostOverhead  = 400 // octets; the underlay's MTU is 500 larger than the tunnel's
	mostUpTimeout = 10 * time.Minute
)

// fault returns the first field that is wrong, and what is wrong with it and how to mend it.
func (r Recipe) fault() (field, why string) {
	for _, f := range []struct{ field, value, example string }{
		{"about", r.About, "one line that says what it is"},
		{"home", r.Home, "https://example.org"},
		{"licence", r.Licence, "BSD-2-Clause"},
		{"language", r.Language, "C"},
	} {
		if strings.TrimSpace(f.value) == "" {
			return f.field, "is missing: write " + f.field + ": " + f.example
		}
	}
	switch {
	case !strings.HasPrefix(r.Home, "https://") && !strings.HasPrefix(r.Home, "http://"):
		return "home", fmt.Sprintf("%q is no address: write one that begins with https://", r.Home)
	case r.Carries != Packets && r.Carries != Streams:
		return "carries", fmt.Sprintf("%q: write %s or %s", r.Carries, Packets, Streams)
	case len(r.Programs) == 0:
		return "programs", "is missing: name the programs that the script runs, such as programs: [ip]"
	case r.UpTimeout != 0 && (r.UpTimeout < time.Second || r.UpTimeout > mostUpTimeout):
		return "up-timeout", fmt.Sprintf("%v: write a time from 1s to %v", r.UpTimeout, mostUpTimeout)
	case len(r.Variants) == 0:
		return "variants", "is missing: write at least {name: default, carrier: UDP, seals: no}"
	}
	if field, why := r.Install.fault(); why != "" {
		return field, why
	}
	for i, program := range r.Programs {
		if !programPattern.MatchString(program) {
			return fmt.Sprintf("programs[%d]", i), fmt.Sprintf("%q: write the name of a program as it is looked up, without a path", program)
		}
	}
	return r.variantFault()
}

// variantFault is fault for the variants.
func (r Recipe) variantFault() (field, why string) {
	seen := map[string]bool{}
	for i, v := range r.Variants {
		field := fmt.Sprintf("variants[%d]", i)
		switch {
		case !namePattern.MatchString(v.Name):
			return field, fmt.Sprintf("name %q: write small letters, digits, - and ., and \"null\" in quotes", v.Name)
		case seen[v.Name]:
			return field, fmt.Sprintf("name %q comes twice: give each variant its own", v.Name)
		case v.Carrier == "":
			return field, "carrier is missing: write what is on the wire, such as carrier: UDP"
		case slices.Contains(slices.Collect(maps.Values(v.Params)), ""):
			return field, "a parameter has no value: write one, and \"null\" in quotes"
		case v.Seals == "":
			return field, "seals is missing: write the cipher, such as seals: aes128-gcm, or seals: no"
		case v.Overhead < 0 || v.Overhead > mostOverhead:
			return field, fmt.Sprintf("overhead %d: write the octets per packet, up to %d, or leave it out", v.Overhead, mostOverhead)
		}
		seen[v.Name] = true
	}
	return "", ""
}

// fault returns the first entry that is not pinned.
func (i Install) fault() (field, why string) {
	if len(slices.Concat(i.Apt, i.Go, i.Cargo, i.NPM, i.Build)) == 0 {
		return "install", "is missing: write how it is installed, such as install: {apt: [fastd]}"
	}
	for _, list := range []struct {
		field, such string
		entries     []string
	}{{"install.go", "v1.2.3", i.Go}, {"install.cargo", "1.2.3", i.Cargo}, {"install.npm", "1.2.3", i.NPM}} {
		for _, entry := range list.entries {
			if _, version, ok := cutVersion(entry); !ok || !pinned.MatchString(version) {
				return list.field, fmt.Sprintf("%q: pin a version, such as %s@%s", entry, strings.TrimSuffix(entry, "@"+version), list.such)
			}
		}
	}
	return "", ""
}

// pinned matches a version that stands for one thing for ever: latest and ^1.2 do not.
var pinned = regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$`)

// cutVersion splits NAME@VERSION. Names of npm packages may begin with @.
func cutVersion(entry string) (name, version string, ok bool) {
	at := strings.LastIndexByte(entry, '@')
	if at <= 0 {
		return entry, "", false
	}
	return entry[:at], entry[at+1:], true
}
