package dut

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// program writes an executable file of a name and returns its path.
func program(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDescription(t *testing.T) {
	t.Parallel()
	type said struct {
		Kind, Seals string
		Up          time.Duration
		Values      map[string]string
	}
	plain := said{Kind: Plain, Up: DefaultUpTimeout}
	for _, c := range []struct {
		name, text, settings string
		want                 said
	}{
		{"nothing", "#!/bin/sh\nexec sleep 9\n", "", plain},
		{"shell", "#!/bin/sh\n# tunnelbench: seals=aes128-gcm up-timeout=30s\n", "", said{Sealed, "aes128-gcm", 30 * time.Second, nil}},
		{"Lua, two lines, CRLF", "#!/bin/sh\n-- tunnelbench: seals=AES\r\n--  tunnelbench: up-timeout=1m contract=1\r\n", "", said{Sealed, "AES", time.Minute, nil}},
		{"JavaScript", "#!/usr/bin/env sh\n// tunnelbench: up-timeout=11s\n", "", said{Plain, "", 11 * time.Second, nil}},
		{"seals nothing", "#!/bin/sh\n# tunnelbench: seals=no\n", "", plain},
		{"the user's word is the last", "#!/bin/sh\n# tunnelbench: seals=aes up-timeout=30s\n", ":seals=no,up-timeout=2m", said{Plain, "", 2 * time.Minute, map[string]string{}}},
		{"a program that is no script", "\x7fELF\n# tunnelbench: seals=aes\n", ":seals=chacha20", said{Sealed, "chacha20", DefaultUpTimeout, map[string]string{}}},
		{"its own parameters", "#!/bin/sh\n# tunnelbench: params=method,mtu_4\n", ":method=null,mtu_4=9", said{Plain, "", DefaultUpTimeout, map[string]string{"method": "null", "mtu_4": "9"}}},
		{"words about it are no description", "#!/bin/sh\n# for tunnelbench: seals=aes\necho tunnelbench: seals=aes\n", "", plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := Parse("exec:" + program(t, "mine", c.text) + c.settings)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, said{d.Kind, d.Seals, d.UpTimeout(), d.Values}); diff != "" {
				t.Error(diff)
			}
			if want := "exec:mine" + c.settings; d.Spec != want {
				t.Errorf("its name is %s, want %s", d.Spec, want)
			}
		})
	}
}

func TestDescriptionFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, line, settings, want string }{
		{"a misspelt key", "# tunnelbench: up_timeout=30s", "", `line 2, tunnelbench: unknown key "up_timeout"`},
		{"no unit", "# tunnelbench: up-timeout=30", "", "up-timeout=30: write a time from 1s"},
		{"no time", "# tunnelbench: up-timeout=-1s", "", "write a time from 1s"},
		{"for ever", "# tunnelbench: up-timeout=1000h", "", "to 10m0s"},
		{"neither packets nor streams", "# tunnelbench: carries=frames", "", "write carries=packets or carries=streams"},
		{"by nothing", "# tunnelbench: seals", "", "write the name of the cipher"},
		{"a format that is not known", "# tunnelbench: speaks=vxlan", "", "this program knows reference"},
		{"a newer contract", "# tunnelbench: contract=9", "", "knows versions 1 and 2"},
		{"twice", "# tunnelbench: seals=a seals=b", "", "seals comes twice"},
		{"a parameter with a blank", "# tunnelbench: params=a, b", "", "write names of small letters"},
		{"a parameter of the contract", "# tunnelbench: params=seals", "", "seals is no name"},
		{"a setting that it does not take", "# tunnelbench: params=method", ":methd=null", "did you mean method"},
		{"a parameter that it does not name", "#", ":method=null", "# tunnelbench: params="},
		{"a setting without sense", "#", ":up-timeout=soon", "write a time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("exec:" + program(t, "mine", "#!/bin/sh\n"+c.line+"\n") + c.settings)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q", err, c.want)
			}
		})
	}
}

// A script says what it carries, and its user can say it of a program.
func TestCarries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, settings, want string }{
		{"#!/bin/sh\n", "", ""},
		{"#!/bin/sh\n# tunnelbench: carries=packets\n", "", Packets},
		{"#!/bin/sh\n# tunnelbench: carries=streams seals=tls\n", "", Streams},
		{"\x7fELF", ":carries=streams", Streams},
	} {
		d, err := Parse("exec:" + program(t, "mine", c.text) + c.settings)
		if err != nil || d.Carries != c.want || len(d.Values) > 0 {
			t.Errorf("%q%s: %q, %v, %v", c.text, c.settings, d.Carries, d.Values, err)
		}
		if _, err := Mix(d, d); c.want == Streams && (err == nil || !strings.Contains(err.Error(), "carries streams")) {
			t.Errorf("a pair of it: %v", err)
		}
	}
}

// The name of a file may look like settings.
func TestFileWithAColon(t *testing.T) {
	t.Parallel()
	d, err := Parse("exec:" + program(t, "my:a=b", "#!/bin/sh\n"))
	if err != nil || d.Spec != "exec:my:a=b" || len(d.Values) > 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// What is said of a program that did not come up names how to give it more time.
func TestMoreTime(t *testing.T) {
	t.Parallel()
	d, err := Parse("exec:" + program(t, "slow.sh", "#!/bin/sh\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := (&Session{}).NothingThrough(d.Tunnel, "no packet", "9 frames").Error()
	if want := "no packet came through within 10s of its start: tried 9 frames; if it only needs longer, write up-timeout=30s behind its name"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Values of settings may have colons; a file whose name has a colon is a file.
func TestSplitExec(t *testing.T) {
	t.Parallel()
	odd := filepath.Join(t.TempDir(), "a:b=c")
	if err := os.WriteFile(odd, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][2]string{
		"./t.sh": {"./t.sh", ""}, "./t.sh:peer=10.0.0.1:51820,port=4": {"./t.sh", "peer=10.0.0.1:51820,port=4"},
		"./t.sh:peer=[fd00::1]:4000": {"./t.sh", "peer=[fd00::1]:4000"}, odd: {odd, ""}, "C:t.sh": {"C:t.sh", ""},
	} {
		if path, settings := SplitExec(text); path != want[0] || settings != want[1] {
			t.Errorf("%s: %q and %q, want %q", text, path, settings, want)
		}
	}
}
