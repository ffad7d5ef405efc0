package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// resident returns the largest resident memory in a /proc/PID/status file, in KiB. ru_maxrss would be that
// of the process that started this one, if that was larger.
func resident(t *testing.T, status string) (kb int) {
	t.Helper()
	_, text, _ := strings.Cut(status, "VmHWM:")
	if _, err := fmt.Sscanf(text, "%d kB", &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}

// list returns n items with commas between them.
func list(n int, item string) string { return strings.Repeat(item+",", n-1) + item }

// hugeFiles are the largest files of their kinds that are read to an end.
var hugeFiles = map[string]func(t *testing.T) string{
	"a line":                 func(*testing.T) string { return strings.Repeat("x", 63<<20) },
	"a text":                 func(*testing.T) string { return `{"schema":"` + strings.Repeat("x", 63<<20) + `"}` },
	"nesting":                func(*testing.T) string { return strings.Repeat("[", 63<<20) },
	"nesting by indentation": func(*testing.T) string { return strings.Repeat("- ", 127<<10) },
	"short lines":            func(*testing.T) string { return strings.Repeat("1\n", 31<<20) },
	"torn records":           func(*testing.T) string { return strings.Repeat(`{"schema":`, 6<<20) },
	"empty objects":          func(*testing.T) string { return "peers: [" + list(80_000, "{}") + "]" },
	"trials": func(*testing.T) string {
		return strings.Repeat(`{"load_fps":1,"duration_s":1,"loss_ratio":0}`+"\n", 1_400_000)
	},
	"keys": func(*testing.T) string {
		var b strings.Builder
		for i := range 2_000_000 {
			fmt.Fprintf(&b, `,"k%d":1`, i)
		}
		return "{" + b.String()[1:] + "}"
	},
	"faulty numbers": func(t *testing.T) string { return resultsWith(t, 20, list(99_000, "1")) },
	"faulty objects": func(t *testing.T) string { return resultsWith(t, 20, list(99_000, "{}")) },
	"many texts":     func(t *testing.T) string { return resultsWithTexts(t, 60<<20) },
	"valid texts":    func(t *testing.T) string { return resultsWithTexts(t, strictjson.MaxTexts-200<<10) },
	"valid trials":   func(t *testing.T) string { return resultsWith(t, 1, list(50_000, firstTrial(t))) },
}

// trials are where those of the first result begin in a file of results.
const trials = `"trials": [`

// resultsWith returns results of n devices that have these trials.
func resultsWith(t *testing.T, n int, these string) string {
	t.Helper()
	text := read(t, "../../fuzz/text/results.json")
	begin := strings.Index(text, `"results": [`) + len(`"results": [`)
	first := text[begin:strings.Index(text, trials)] + trials + these + "]}"
	all := make([]string, n)
	for i := range all {
		all[i] = strings.Replace(first, `"dut": "`, fmt.Sprintf(`"dut": "d%d-`, i), 1)
	}
	return text[:begin] + strings.Join(all, ",") + "]}"
}

// resultsWithTexts returns results with texts of so many bytes, of characters that a page writes as five.
func resultsWithTexts(t *testing.T, bytes int) string {
	t.Helper()
	const length, most = 64, 1000
	text := resultsWith(t, bytes/length/most, "")
	return strings.ReplaceAll(text, `"warnings": [],`, `"warnings": [`+list(most, `"`+strings.Repeat("&", length)+`"`)+`],`)
}

// firstTrial returns the first trial of a file of results.
func firstTrial(t *testing.T) string {
	t.Helper()
	text := read(t, "../../fuzz/text/results.json")
	text = text[strings.Index(text, trials)+len(trials):]
	for depth, i := 0, 0; ; i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return strings.Join(strings.Fields(text[:i+1]), " ")
			}
		}
	}
}

// No reader takes more than 512 MiB, whatever it reads. Each reads in a process of its own.
func TestMemoryOfReaders(t *testing.T) {
	const all = "a device without an end, a line, a text, nesting, short lines, "
	for reader, files := range map[string]string{
		"report --format csv --out OUT FILE":              all + "torn records, keys, faulty numbers, faulty objects, valid trials",
		"report --out OUT FILE":                           "many texts, valid texts",
		"report --out OUT --history FILE":                 all + "torn records, faulty numbers",
		"gate --out OUT FILE FILE":                        all + "keys, faulty objects",
		"gate --policy FILE --base HEAD":                  all + "nesting by indentation, empty objects",
		"gate --noise FILE --out OUT BASE.json HEAD.json": all + "keys, faulty numbers",
		"gate --count --out OUT FILE FILE":                all + "keys",
		"search --goal pdr --replay FILE":                 all,
		"search --goal pdr --replay -":                    all + "trials",
		"fuzz report --out OUT FILE":                      all + "keys, faulty objects",
		"fuzz repro --target header FILE":                 all,
		"run --dut wire --self-test FILE --out OUT":       all + "keys, faulty objects",
		"tunnel --check --config FILE":                    all + "nesting by indentation, empty objects",
	} {
		for name := range strings.SplitSeq(strings.TrimSuffix(files, ", "), ", ") {
			t.Run(reader+"/"+name, func(t *testing.T) { readsInLittleMemory(t, reader, name) })
		}
	}
}

func readsInLittleMemory(t *testing.T, reader, name string) {
	t.Helper()
	path, used := "/dev/zero", filepath.Join(t.TempDir(), "memory")
	if text := hugeFiles[name]; text != nil {
		path = filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text(t)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd, _, errs := program(t, `"$@" <`+path, commandLine(t, reader, path)...)
	cmd.Env = append(cmd.Env, memoryEnv+"="+used)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	want := cli.ExitUsage
	if strings.HasPrefix(name, "valid ") || name == "trials" {
		want = cli.ExitOK
	}
	if code := exitStatus(t, cmd); code != want || want == cli.ExitUsage && strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("exit status %d: %.300s", code, errs)
	}
	const most = 512 << 10 // KiB
	if kb := resident(t, read(t, used)); kb > most {
		t.Errorf("%d KiB were resident", kb)
	}
}
