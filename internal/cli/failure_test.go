package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/netns"
)

func TestFailuresAsJSON(t *testing.T) {
	t.Parallel()
	locked := fmt.Errorf("lab: %w", netns.LockedError{PID: 7, Command: "tunnelbench run"})
	for name, c := range map[string]struct {
		args, printed string
		err           error
		code          int
		want          string
	}{
		"fine":               {"v --json", "{}\n", nil, ExitOK, "{}\n"},
		"another lab":        {"v --json", "", locked, ExitMachine, `{"error":"lab: another lab is running (pid 7: tunnelbench run): wait for it, or pass --wait","exit_status":5,"kind":"another_lab","other_lab":{"pid":7,"command":"tunnelbench run"}}` + "\n"},
		"machine":            {"v -json", "", errors.ErrUnsupported, ExitMachine, `{"error":"unsupported operation","exit_status":5,"kind":"machine"}` + "\n"},
		"usage":              {"v --json=true", "", BadUsage("--x"), ExitUsage, `{"error":"--x","exit_status":2,"kind":"usage"}` + "\n"},
		"internal":           {"v --json", "", errors.New("odd\nindeed"), exitInternal, `{"error":"odd;indeed","exit_status":1,"kind":"internal"}` + "\n"},
		"unknown option":     {"v --json --nosuch", "", nil, ExitUsage, `{"error":"v: unknown flag: --nosuch: try tunnelbench v --help","exit_status":2,"kind":"usage"}` + "\n"},
		"no verdict":         {"v --json", "{}\n", ErrNoVerdict, ExitNoVerdict, "{}\n"},
		"not asked for":      {"v", "", locked, ExitMachine, ""},
		"refused":            {"v --json=false", "", locked, ExitMachine, ""},
		"a value, no option": {"v --out --json", "", locked, ExitMachine, ""},
		"behind --":          {"v -- --json", "", ErrNoVerdict, ExitUsage, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			verb := Verb{Name: "v", Flags: func(set *pflag.FlagSet) func(context.Context, Streams) error {
				set.Bool("json", false, "")
				set.String("out", "", "")
				return func(_ context.Context, s Streams) error {
					fmt.Fprint(s.Out, c.printed)
					return c.err
				}
			}}
			code := Main(t.Context(), []Section{{Verbs: []Verb{verb}}}, strings.Fields(c.args), Streams{Out: &out, Err: io.Discard})
			if diff := cmp.Diff(c.want, out.String()); diff != "" || code != c.code {
				t.Errorf("exit %d, want %d, (-want +got):\n%s", code, c.code, diff)
			}
		})
	}
}
