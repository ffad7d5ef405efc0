package installation

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/recipes"
)

// quick returns a recipe whose program is built by a command.
func quick(t *testing.T, command string) recipes.Recipe {
	t.Helper()
	sheet := "about: a\nhome: https://example.org\nlicence: MIT\nlanguage: C\ncarries: packets\nprograms: [quick]\nversion: [quick]\n" +
		"variants: [{name: default, carrier: UDP, seals: no}]\ninstall: {build: ['" + command + "']}\n"
	r, err := recipes.Read("quick", fstest.MapFS{
		recipes.Sheet: {Data: []byte(sheet)}, "src/quick.in": {Data: []byte("#!/bin/sh\necho quick 1.2\necho more\nexit 1\n")}, "go.mod.txt": {Data: []byte("module quick\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const build = `test -f go.mod; install -m 755 src/quick.in "$OUT/quick"`

// files returns the names in a folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func silent(Step) {}

func TestInstall(t *testing.T) {
	place := Place(filepath.Join(t.TempDir(), "lib"))
	r := quick(t, build)
	if s := place.Of(t.Context(), r); s.Installed() || !s.Outdated || !cmp.Equal(s.Missing(), []string{"quick"}) {
		t.Fatalf("before: %+v", s)
	}
	var said []string
	if err := place.Install(t.Context(), r, func(s Step) { said = append(said, s.String()) }); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "OUT="+string(place)+"/.quick.") || !strings.Contains(said[0], ` sh -euc 'test -f go.mod; install`) {
		t.Errorf("said %q", said)
	}
	s := place.Of(t.Context(), r)
	if !s.Installed() || s.Version != "quick 1.2" || s.Programs[0].Path != filepath.Join(string(place), "quick", "quick") {
		t.Errorf("after: %+v", s)
	}
	if got := files(t, string(place)); !cmp.Equal(got, []string{"quick"}) {
		t.Errorf("left in the place: %v", got)
	}
	// Another recipe of the name is not installed by that.
	other := quick(t, build+"; true")
	if s := place.Of(t.Context(), other); s.Installed() || len(s.Missing()) > 0 {
		t.Errorf("another recipe: %+v", s)
	}
	if err := place.Install(t.Context(), other, silent); err != nil {
		t.Fatal(err)
	}
	if s := place.Of(t.Context(), other); !s.Installed() {
		t.Errorf("another recipe, installed: %+v", s)
	}
}

// An installation that fails or is ended leaves what was there, and nothing else.
func TestInstallLeavesNothing(t *testing.T) {
	place := Place(t.TempDir())
	good := quick(t, build)
	if err := place.Install(t.Context(), good, silent); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ command, want string }{
		"fails":        {build + "; echo no luck >&2; exit 3", "no luck"},
		"unset":        {`echo "$NOSUCH"`, "NOSUCH"},
		"wrong source": {"cat nosuch.c", "nosuch.c"},
	} {
		err := place.Install(t.Context(), quick(t, c.command), silent)
		if err == nil || !strings.Contains(err.Error(), "recipe quick: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	ctx, end := context.WithCancel(t.Context())
	err := place.Install(ctx, quick(t, "echo >$OUT/half; exec sleep 1000"), func(Step) { end() })
	if err == nil || ctx.Err() == nil {
		t.Errorf("ended: %v", err)
	}
	if s := place.Of(t.Context(), good); !s.Installed() {
		t.Errorf("what was there: %+v", s)
	}
	if got := files(t, string(place)); !cmp.Equal(got, []string{"quick"}) {
		t.Errorf("left in the place: %v", got)
	}
}

// What a killed installation left is removed by the next one; one that is under way is left alone.
func TestSweep(t *testing.T) {
	place := Place(t.TempDir())
	const never = "999999999" // above pid_max, proc(5)
	under := ".other." + "1"
	for _, dir := range []string{".quick." + never, under} {
		if err := os.MkdirAll(filepath.Join(string(place), dir, "out"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := place.Install(t.Context(), quick(t, build), silent); err != nil {
		t.Fatal(err)
	}
	if got := files(t, string(place)); !cmp.Equal(got, []string{under, "quick"}) {
		t.Errorf("left in the place: %v", got)
	}
}

// A program that the steps do not bring is an error, not an installation.
func TestInstallWithoutProgram(t *testing.T) {
	place := Place(t.TempDir())
	err := place.Install(t.Context(), quick(t, "true"), silent)
	if err == nil || !strings.Contains(err.Error(), "quick is still not there") {
		t.Error(err)
	}
}

func TestSteps(t *testing.T) {
	var got []string
	r := recipes.Recipe{Name: "quick", Install: recipes.Install{
		Go: []string{"example.org/quick@v1.2.3"}, Cargo: []string{"quick-cli@1.2.3"}, NPM: []string{"quick@1.2.3"}, Build: []string{"cc -o $OUT/it it.c"},
	}}
	for _, s := range Usual.Steps(r) {
		got = append(got, s.String())
	}
	place := "/usr/local/lib/tunnelbench/.quick." + strconv.Itoa(os.Getpid())
	want := []string{
		"GOBIN=" + place + "/out go install -trimpath example.org/quick@v1.2.3",
		"cargo install --locked --root " + place + "/cargo quick-cli@1.2.3",
		"npm install --ignore-scripts --no-audit --no-fund --prefix " + place + "/out quick@1.2.3",
		"OUT=" + place + "/out sh -euc 'cc -o $OUT/it it.c'",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The caches are the user's in the user's own home folder, and temporary in another's.
func TestCaches(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	own := strings.Join(work("/w").environment(), "\n")
	t.Setenv("HOME", filepath.Join(t.TempDir(), "nosuch"))
	other := strings.Join(work("/w").environment(), "\n")
	if strings.Contains(own, "GOPATH=/w/") || !strings.Contains(other, "GOPATH=/w/gopath") || !strings.Contains(other, "CARGO_HOME=/w/cargohome") {
		t.Errorf("own home: %s\n\nanother's: %s", own, other)
	}
}
