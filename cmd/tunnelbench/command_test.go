package main

import (
	_ "embed"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/lab/doctor"
)

// allVerbs returns the verbs of the overview.
func allVerbs() (all []cli.Verb) {
	for _, section := range overview() {
		all = append(all, section.Verbs...)
	}
	return all
}

func TestHelpOfEveryVerb(t *testing.T) {
	t.Parallel()
	for _, v := range allVerbs() {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := call("", append(strings.Fields(v.Name), "--help")...)
			if code != cli.ExitOK || errs != "" || !strings.HasPrefix(out, "tunnelbench "+v.Name) || !strings.Contains(out, "Examples:\n  tunnelbench "+v.Name) {
				t.Errorf("exit %d, %q, %q", code, out, errs)
			}
			set := pflag.NewFlagSet(v.Name, pflag.ContinueOnError)
			v.Flags(set)
			set.VisitAll(func(f *pflag.Flag) {
				if n := strings.Count(out, "\n  --"+f.Name+" ") + strings.Count(out, "\n  --"+f.Name+"\n") + strings.Count(out, "\n  --"+f.Name+"["); n != 1 {
					t.Errorf("--%s is there %d times:\n%s", f.Name, n, out)
				}
			})
			if len(v.Examples) > 4 {
				t.Errorf("%d examples: four at most", len(v.Examples))
			}
		})
	}
}

// TestExamplesParse checks that the options in the examples exist and that their values are valid.
func TestExamplesParse(t *testing.T) {
	t.Parallel()
	for _, v := range allVerbs() {
		for _, example := range v.Examples {
			t.Run(example, func(t *testing.T) {
				t.Parallel()
				set := pflag.NewFlagSet(v.Name, pflag.ContinueOnError)
				v.Flags(set)
				words, ok := strings.CutPrefix(example, v.Name)
				if err := set.Parse(strings.Fields(words)); err != nil || !ok {
					t.Errorf("tunnelbench %s: %v", example, err)
				}
			})
		}
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	_, overview, _ := call("", "--help")
	for _, v := range allVerbs() {
		if !strings.Contains(overview, fmt.Sprintf("\n  %-13s %s\n", v.Name, v.Doc)) {
			t.Errorf("%s is not there:\n%s", v.Name, overview)
		}
	}
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"no words": {nil, cli.ExitUsage}, "help": {[]string{"help"}, cli.ExitOK}, "-h": {[]string{"-h"}, cli.ExitOK}, "-help": {[]string{"-help"}, cli.ExitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := call("", c.args...)
			if code != c.code || errs != "" {
				t.Errorf("exit %d, want %d; %q", code, c.code, errs)
			}
			if diff := cmp.Diff(overview, out); diff != "" {
				t.Errorf("help (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHelpOfAVerb(t *testing.T) {
	t.Parallel()
	_, want, _ := call("", "search", "--help")
	for _, line := range []string{"help search", "search -h", "search -help", "search --goal pdr --help"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			code, got, errs := call("", strings.Fields(line)...)
			if diff := cmp.Diff(want, got); diff != "" || code != cli.ExitOK || errs != "" {
				t.Errorf("exit %d, %q, help (-want +got):\n%s", code, errs, diff)
			}
		})
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"trail":                   `"trail" is not a command, did you mean trial`,
		"trail --dut vxlan":       `"trail" is not a command, did you mean trial`,
		"fuzz lsit":               `"fuzz lsit" is not a command, did you mean fuzz list`,
		"fuzz":                    "write one of fuzz list, fuzz live",
		"completion basch":        "basch",
		"trial --dtu vxlan":       "trial: unknown flag --dtu, did you mean --dut: try tunnelbench trial --help",
		"trial -dtu vxlan":        "did you mean --dut",
		"fuzz run --tagret x":     "fuzz run: unknown flag --tagret, did you mean --target",
		"--nonsense":              "no command",
		"search --min":            "--min",
		"search --size big":       "--size",
		"search --goal exced=0.5": "did you mean exceed",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			code, out, errs := call("", strings.Fields(line)...)
			if code != cli.ExitUsage || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
				t.Errorf("exit %d, %q and %q, want 2 and one line with %q", code, out, errs, want)
			}
		})
	}
}

// TestSpellings checks options with one dash and two, with and without "=", before and after the
// arguments.
func TestSpellings(t *testing.T) {
	t.Parallel()
	_, want, _ := call("", "search", "--simulate", "capacity=437kpps", "--goal", "ndr", "--size", "128", "--json")
	for _, line := range []string{
		"search -simulate capacity=437kpps -goal ndr -size 128 -json",
		"search --simulate=capacity=437kpps --goal=ndr --size=128 --json=true",
		"search -simulate=capacity=437kpps -goal=ndr -size=128 -json=1",
		"search --json -goal ndr --size 128 -simulate capacity=437kpps --",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			code, got, errs := call("", strings.Fields(line)...)
			if diff := cmp.Diff(want, got); diff != "" || code != cli.ExitOK {
				t.Errorf("exit %d, %q, output (-want +got):\n%s", code, errs, diff)
			}
		})
	}
}

func TestLongNames(t *testing.T) {
	t.Parallel()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.String("out", "", "")
	set.Bool("json", false, "")
	for name, c := range map[string]struct{ args, want string }{
		"one dash":           {"-out x -json y", "--out x --json y"},
		"a value":            {"--out -json", "--out -json"},
		"a value behind one": {"-out -json -json", "--out -json --json"},
		"behind --":          {"-json -- -json", "--json -- -json"},
		"numbers and -":      {"-1s - -h", "-1s - -h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, strings.Join(cli.LongNames(set, strings.Fields(c.args)), " ")); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOldNames checks that an option's former name works, that errors use its new name, and that
// the help does not list it.
func TestOldNames(t *testing.T) {
	t.Parallel()
	bad := map[string]string{"late": "-1s", "patience": "-1s", "certificate": "/nosuch"}
	for old, current := range cli.OldNames {
		t.Run(old, func(t *testing.T) {
			t.Parallel()
			code, _, errs := call("", "run", "--dut", "vxlan", "--"+old, bad[old])
			if code != cli.ExitUsage || !strings.Contains(errs, bad[old]) {
				t.Errorf("exit %d, %q", code, errs)
			}
			if _, out, _ := call("", "run", "--help"); strings.Contains(out, "--"+old) || !strings.Contains(out, "--"+current) {
				t.Errorf("help has the old name, or not the new one:\n%s", out)
			}
		})
	}
}

//go:embed testdata/flags.txt
var formerFlags string

// TestFormerFlags checks that scripts for the flags before cobra keep working. The golden file has
// the options and defaults of that version; CPUs stands for this machine's number of CPUs.
func TestFormerFlags(t *testing.T) {
	t.Parallel()
	sets := map[string]*pflag.FlagSet{}
	for _, v := range allVerbs() {
		sets[v.Name] = pflag.NewFlagSet(v.Name, pflag.ContinueOnError)
		sets[v.Name].SetNormalizeFunc(cli.CurrentName)
		v.Flags(sets[v.Name])
	}
	for line := range strings.Lines(formerFlags) {
		verb, option, _ := strings.Cut(strings.TrimSpace(line), " --")
		name, want, _ := strings.Cut(option, "=")
		if want == "CPUs" {
			want = strconv.Itoa(runtime.NumCPU())
		}
		f := sets[verb].Lookup(name)
		if f == nil {
			t.Errorf("%s --%s: is no option any more", verb, name)
			continue
		}
		unset := want == "" && (f.DefValue == "false" || f.DefValue == "0")
		if diff := cmp.Diff(want, f.DefValue); diff != "" && !unset {
			t.Errorf("%s --%s: default (-want +got):\n%s", verb, name, diff)
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			if code, out, errs := call("", "completion", shell); code != cli.ExitOK || errs != "" || !strings.Contains(out, "tunnelbench") {
				t.Errorf("exit %d, %d bytes of script, %q", code, len(out), errs)
			}
		})
	}
	for line, want := range map[string]string{
		"tri": "trial\t", "fuzz re": "fuzz report", "trial --dur": "--duration\t", "trial --dut vx": "vxlan\n", "run --engine af": "afpacket\n",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			want := strings.TrimPrefix(want, "fuzz ")
			if code, out, _ := call("", append([]string{"__complete"}, strings.Fields(line)...)...); code != cli.ExitOK || !strings.Contains(out, want) {
				t.Errorf("exit %d, %q, want %q", code, out, want)
			}
		})
	}
}

// The findings are the same in words and as JSON.
func TestFindings(t *testing.T) {
	t.Parallel()
	findings := []doctor.Finding{{What: "root", OK: true, Vital: true, Note: "yes"}, {What: "memory", Note: "a\nb"}}
	for asJSON, want := range map[bool]string{
		false: "ok  root                    yes\nNO  memory                  a;b\n",
		true:  `{"findings":[{"what":"root","ok":true,"vital":true,"note":"yes"},{"what":"memory","ok":false,"vital":false,"note":"a\nb"}]}` + "\n",
	} {
		var text strings.Builder
		if err := printFindings(&text, findings, asJSON); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, text.String()); diff != "" {
			t.Error(diff)
		}
	}
}
